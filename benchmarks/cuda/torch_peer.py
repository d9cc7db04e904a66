# SPDX-License-Identifier: Apache-2.0
"""The peer on GPUs: the same networks in PyTorch, random weights and input on the device, one JSON object a measurement.

    python3 torch_peer.py --networks resnet50,vgg16 --batches 1,128 --precision bf16 --modes eager,graph,compile
    python3 torch_peer.py --train --networks resnet50,vgg16,resnet20 --batches 128 --precision bf16 --modes eager,compile

Modes, all in channels_last: eager; graph, the same recorded as one CUDA graph; compile, torch.compile(mode="max-autotune"), which
records graphs too; frozen, the same with its weights as constants, so that batch norms are folded into convolutions as ours are.
Two times: ms_median of runs with a wait after each, and ms_stream, a run's share of many without waits between.
"""
import argparse
import json
import signal
import statistics
import sys
import time

import torch
import torch._inductor.config
import torch.nn as nn
import torchvision

NETWORKS = ["lenet5", "alexnet", "vgg16", "googlenet", "resnet18", "resnet50", "densenet121"]
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "tf32": torch.float32, "fp32": torch.float32}


def lenet5():
    """LeNet5.java's lenet5."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))


class Resnet20(nn.Module):
    """He et al., sec. 4.2, with the parameter-free shortcut (option A)."""

    class Block(nn.Module):
        def __init__(self, c, k, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(c, k, 3, stride, 1, bias=False), nn.BatchNorm2d(k)
            self.conv2, self.bn2 = nn.Conv2d(k, k, 3, 1, 1, bias=False), nn.BatchNorm2d(k)
            self.stride, self.wider = stride, (k - c) // 2

        def forward(self, x):
            y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
            if self.wider:
                x = nn.functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.wider, self.wider))
            return torch.relu(y + x)

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        stages = [(16, 16, 1), (16, 32, 2), (32, 64, 2)]
        self.body = nn.Sequential(*[self.Block(c if i == 0 else k, k, s if i == 0 else 1) for c, k, s in stages for i in range(3)])
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(self.body(self.stem(x)).mean((2, 3)))


def made(name):
    """The network and the shape of one image."""
    if name == "lenet5":
        return lenet5(), (1, 28, 28)
    if name == "resnet20":
        return Resnet20(), (3, 32, 32)
    extra = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    return getattr(torchvision.models, name)(weights=None, **extra), (3, 224, 224)


class OutOfTime(Exception):
    pass


class at_most:
    """Raises OutOfTime in the block after so many seconds."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        def expired(*_):
            raise OutOfTime(f"not within {self.seconds} s")
        signal.signal(signal.SIGALRM, expired)
        signal.alarm(self.seconds)

    def __exit__(self, *_):
        signal.alarm(0)


def recorded(run, warm_ups=3):
    """`run` as one CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(warm_ups):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def timed(run, seconds):
    """Milliseconds: the median, the least, a run's share without waits; and how many runs."""
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 10 or (time.perf_counter() < end and len(times) < 20000):
        begin = time.perf_counter()
        run()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - begin) * 1e3)
    count = max(10, min(5000, int(seconds * 500 / statistics.median(times))))
    begin = time.perf_counter()
    for _ in range(count):
        run()
    torch.cuda.synchronize()
    return statistics.median(times), min(times), (time.perf_counter() - begin) * 1e3 / count, len(times)


def forward(name, batch, precision, mode):
    with torch.device("cuda"):
        model, image = made(name)
        x = torch.rand(batch, *image)
    dtype = DTYPES[precision]
    model = model.eval().requires_grad_(False).to(dtype).to(memory_format=torch.channels_last)
    x = x.to(dtype).to(memory_format=torch.channels_last)
    if mode == "graph":
        return recorded(lambda: model(x))
    if mode in ("compile", "frozen"):
        torch._inductor.config.freezing = mode == "frozen"
        compiled = torch.compile(model, mode="max-autotune")
        return lambda: compiled(x)
    return lambda: model(x)


def training(name, batch, precision, mode):
    with torch.device("cuda"):
        model, image = made(name)
        x = torch.rand(batch, *image).to(memory_format=torch.channels_last)
        labels = torch.randint(0, 10, (batch,))
    model = model.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-9, momentum=0.9, weight_decay=1e-4, fused=True)
    called = torch.compile(model) if mode == "compile" else model
    narrow = torch.autocast("cuda", DTYPES[precision], enabled=precision in ("bf16", "fp16"))

    def step():
        with narrow:
            loss = nn.functional.cross_entropy(called(x), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--networks", default=",".join(NETWORKS))
    p.add_argument("--batches", default="1,128")
    p.add_argument("--precision", default="bf16", help="several with commas between")
    p.add_argument("--modes", default="eager,graph")
    p.add_argument("--seconds", type=float, default=1)
    p.add_argument("--compile-seconds", type=int, default=90)
    p.add_argument("--train", action="store_true")
    a = p.parse_args()
    torch.backends.cudnn.benchmark = True
    for precision in a.precision.split(","):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
        for name in a.networks.split(","):
            for batch in map(int, a.batches.split(",")):
                for mode in a.modes.split(","):
                    line = {"peer": "pytorch " + torch.__version__, "model": name, "run": "training step" if a.train else "forward",
                            "batch": batch, "precision": precision, "mode": mode}
                    try:
                        begin = time.perf_counter()
                        with at_most(a.compile_seconds), torch.enable_grad() if a.train else torch.no_grad():
                            run = (training if a.train else forward)(name, batch, precision, mode)
                            run()
                            torch.cuda.synchronize()
                        line["seconds_to_first"] = round(time.perf_counter() - begin, 2)
                        with torch.enable_grad() if a.train else torch.no_grad():
                            median, least, stream, runs = timed(run, a.seconds)
                        line.update(images_per_second=round(batch / median * 1e3, 1), ms_median=round(median, 4),
                                    ms_min=round(least, 4), ms_stream=round(stream, 4), runs=runs)
                    except (Exception, OutOfTime) as reason:
                        line["error"] = f"{type(reason).__name__}: {reason}"[:300]
                    print(json.dumps(line), flush=True)
                    run = None
                    torch.compiler.reset()
                    torch.cuda.empty_cache()


if __name__ == "__main__":
    sys.exit(main())
