# SPDX-License-Identifier: Apache-2.0
# Makes the checkpoints beside it with PyTorch (they were made by 2.13) and safetensors, from formulas alone.
import collections
import io
import torch
from safetensors.torch import save_file


def numbers(*shape, dtype=torch.float32):
    count = torch.Size(shape).numel()
    return ((torch.arange(count) * 37 % 101 - 50) / 8).reshape(shape).to(dtype)


base = numbers(60)
state = collections.OrderedDict(
    plain=numbers(2, 3),
    parameter=torch.nn.Parameter(numbers(3)),
    half=numbers(5, dtype=torch.float16),
    bfloat=numbers(5, dtype=torch.bfloat16),
    double=numbers(2, 2, dtype=torch.float64),
    counter=torch.tensor(17),
    flags=torch.tensor([True, False]),
    bytes=torch.arange(4, dtype=torch.uint8),
    transposed=numbers(4, 3).t(),
    channels_last=numbers(2, 3, 2, 2).to(memory_format=torch.channels_last),
    slice=base[7:19].reshape(3, 4),
    every_third=base[2:50:3].reshape(4, 4),
    half_transposed=numbers(2, 3, dtype=torch.float16).t(),
    repeated=numbers(3)[1:2].expand(4),
    tied=base,
    empty=torch.empty(0, 4),
    scalar=torch.tensor(2.5),
)
plain = {"module." + key: value for key, value in state.items()}
wrapped = {"epoch": 3, "arch": "none", "best_acc1": torch.tensor(71.5), "state_dict": collections.OrderedDict(plain),
           "optimizer": {"state": {0: {"momentum_buffer": numbers(3), "step": 2}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0]}]},
           "shape": torch.Size([1, 3]), "device": torch.device("cpu"), "dtype": torch.float32, "names": {"a", "b"}, "none": None, "big": 1 << 40}
torch.save(wrapped, "zip.pth")
torch.save(wrapped, "row.pth", _use_new_zipfile_serialization=False)
torch.save(wrapped, "zip4.pth", pickle_protocol=4)
save_file({"module." + key: value.detach().clone().contiguous() for key, value in state.items()}, "twin.safetensors")
torch.save(torch.nn.Linear(2, 2), "module.pth")
