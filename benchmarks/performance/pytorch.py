"""The same networks in PyTorch: images as bytes until the batch, channels last, fused Adam; eager or compiled."""

import math

import torch
from contestant import CLASSES, HELD_OUT, POOLINGS, Stopwatch, parse_arguments, read_idx
from torch import nn

EVALUATION_BATCH = 500


def main():
    """Do the job that the command line describes."""
    job = parse_arguments(__doc__)
    torch.manual_seed(job.seed)
    images = torch.from_numpy(read_idx(job.images).copy())[:, None]
    labels = torch.from_numpy(read_idx(job.labels).astype("int64")) if job.labels else None
    stopwatch = Stopwatch()
    if job.labels:
        encoder, head = encode(job), classify(job)
        fit(job, head, images, labels, frozen=encoder)
        if job.phases == 2:
            fit(job, nn.Sequential(encoder, head), images, labels)
    else:
        fit(job, nn.Sequential(encode(job), decode(job)), images)
    stopwatch.print_seconds()


def encode(job):
    """Return the encoder."""
    parts, channels = [], 1
    for kernel, filters, pooling in zip(job.kernels, job.filters, POOLINGS, strict=True):
        parts += convolve(kernel, channels, filters, linear=pooling == POOLINGS[-1])
        parts.append(nn.MaxPool2d(pooling))
        channels = filters
    return nn.Sequential(*parts)


def decode(job):
    """Return the decoder."""
    parts, channels = [], job.filters[-1]
    for kernel, filters, pooling in reversed(list(zip(job.kernels, job.filters, POOLINGS, strict=True))):
        parts += convolve(kernel, channels, filters, linear=pooling == POOLINGS[-1])
        parts.append(nn.Upsample(scale_factor=pooling))
        channels = filters
    return nn.Sequential(*parts, nn.Conv2d(channels, 1, 5, padding="same"), nn.Sigmoid())


def convolve(kernel, channels, filters, linear):
    """Return the layers of one set, without its pooling."""
    convolution = nn.Conv2d(channels, filters, kernel, padding="same", bias=False)
    normalisation = nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)
    return [convolution, normalisation] + ([] if linear else [nn.ReLU()])


def classify(job):
    """Return the dense layers, whose outputs are logits."""
    return nn.Sequential(nn.Flatten(), nn.Linear(job.filters[-1], job.units), nn.ReLU(), nn.Linear(job.units, CLASSES))


def fit(job, network, images, labels=None, frozen=None):
    """Train a network on images, or on the output of a frozen network for them."""
    held_out = len(images) // HELD_OUT
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    steps = job.epochs * math.ceil((len(images) - held_out) / job.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))

    def prepare(chosen):
        batch = (images[chosen].float() / 255).contiguous(memory_format=torch.channels_last)
        if frozen is None:
            return batch, batch if labels is None else labels[chosen]
        with torch.no_grad():
            return frozen(batch), labels[chosen]

    def compute_loss(inputs, targets):
        outputs = network(inputs)
        measure = nn.functional.mse_loss if labels is None else nn.functional.cross_entropy
        return measure(outputs, targets)

    measure_loss = torch.compile(compute_loss) if job.compiled else compute_loss
    if frozen is not None:
        frozen.to(memory_format=torch.channels_last).eval()
    for _ in range(job.epochs):
        network.train()
        for chosen in (held_out + torch.randperm(len(images) - held_out)).split(job.batch):
            optimizer.zero_grad()
            measure_loss(*prepare(chosen)).backward()
            optimizer.step()
            schedule.step()
        network.eval()
        with torch.no_grad():
            for chosen in torch.arange(held_out).split(EVALUATION_BATCH):
                measure_loss(*prepare(chosen))


if __name__ == "__main__":
    main()
