// SPDX-License-Identifier: Apache-2.0
// Concatenation over channels and its reverse on a CUDA device: one launch for each of the smaller tensors, in order. One that
// ends inside a unit of dst writes zeros up to the unit's end, and the next one its own channels over them.
#include "cuda/copy.h"
#include "cuda/lists.h"

namespace sextant::cuda {
namespace {

std::string declines_nhwc(const sextant_tensor& whole, const std::vector<sextant_tensor>& parts) {
    bool all = is_nhwc(whole);
    for (const auto& part : parts) all &= is_nhwc(part);
    return all ? "" : "an operand does not lie in NHWC";
}

template <bool Nhwc>
class concat final : public device_op {
  public:
    explicit concat(const concat_problem& problem) : device_op(problem.dst), sources_(problem.sources) {}

    int operand_count() const override { return static_cast<int>(sources_.size()) + 1; }

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        int before = 0;
        for (size_t i = 0; i < sources_.size(); before += sources_[i++].c) {
            const any_tensor src = any_of(sources_[i], operands[i]);
            const any_tensor part = channels_of(dst, operands[sources_.size()], before, sources_[i].c);
            if (Nhwc)
                copy_nhwc(stream, src, part, before % nhwc_unit == 0, "concat_nhwc");
            else
                copy_any(stream, src, part, "concat_any");
        }
    }

  private:
    const std::vector<sextant_tensor> sources_;
};

template <bool Nhwc>
class split final : public device_op {
  public:
    explicit split(const split_problem& problem) : device_op(problem.destinations.back()), problem_(problem) {}

    int operand_count() const override { return destinations() + 1; }
    int destinations() const override { return static_cast<int>(problem_.destinations.size()); }

    void enqueue(cudaStream_t stream, void* const* operands, void*) const override {
        int before = 0;
        for (int i = 0; i < destinations(); before += problem_.destinations[i++].c) {
            const sextant_tensor& destination = problem_.destinations[i];
            const any_tensor part = channels_of(problem_.src, operands[0], before, destination.c);
            const any_tensor to = any_of(destination, operands[i + 1]);
            if (Nhwc)
                copy_nhwc(stream, part, to, before % nhwc_unit == 0, "split_nhwc");
            else
                copy_any(stream, part, to, "split_any");
        }
    }

  private:
    const split_problem problem_;
};

template <class Op, class Problem, class Parameters>
std::unique_ptr<op> create(const Problem& problem, const Parameters&, const traits&) {
    return std::make_unique<Op>(problem);
}

const implementation<concat_problem, concat_parameters> concats[] = {
    {"cuda_concat_nhwc", [](const concat_problem& a, const traits&) { return declines_nhwc(a.dst, a.sources); },
     create<concat<true>>, float_dtypes},
    {"cuda_concat_any", [](const concat_problem&, const traits&) { return std::string(); }, create<concat<false>>,
     float_dtypes},
};

const implementation<split_problem, split_parameters> splits[] = {
    {"cuda_split_nhwc", [](const split_problem& a, const traits&) { return declines_nhwc(a.src, a.destinations); },
     create<split<true>>, float_dtypes},
    {"cuda_split_any", [](const split_problem&, const traits&) { return std::string(); }, create<split<false>>, float_dtypes},
};

}  // namespace

list<concat_problem, concat_parameters> implementations(const concat_problem&, const concat_parameters&) { return concats; }
list<split_problem, split_parameters> implementations(const split_problem&, const split_parameters&) { return splits; }

}  // namespace sextant::cuda
