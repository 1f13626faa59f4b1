"""The same networks in PyTorch: images as bytes until the batch, channels last, fused Adam; eager."""

import torch
from contestant import CLASSES, POOLINGS, end_epoch, read_data, read_idx, read_job
from torch import nn

EVALUATION_BATCH = 500


def main():
    """Do the job that the command line describes."""
    job = read_job()
    torch.manual_seed(job.seed)
    images, labels, held_out = read_data(job)
    images = torch.from_numpy(images)[:, None]
    if job.labels:
        labels = torch.from_numpy(labels.astype("int64"))
        encoder, head = encode(job), classify(job)
        for phase in job.phases:
            network, frozen = (head, encoder) if phase == "frozen" else (nn.Sequential(encoder, head), None)
            fit(job, network, images, labels, held_out, frozen)
            if job.test:
                test(job, nn.Sequential(encoder, head))
    else:
        fit(job, nn.Sequential(encode(job), decode(job)), images, None, held_out)


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


def fit(job, network, images, labels, held_out, frozen=None):
    """Train a network on images, or on the output of a frozen network for them; the first are for validation."""
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), job.rate, fused=True)

    def prepare(chosen):
        batch = (images[chosen].float() / 255).contiguous(memory_format=torch.channels_last)
        if frozen is None:
            return batch, batch if labels is None else labels[chosen]
        with torch.no_grad():
            return frozen(batch), labels[chosen]

    def compute_loss(inputs, targets):
        return (nn.functional.mse_loss if labels is None else nn.functional.cross_entropy)(network(inputs), targets)

    def sum_validation(inputs, targets):
        outputs = network(inputs)
        if labels is None:
            return (outputs - targets).square().mean(dim=(1, 2, 3)).sum()
        return (outputs.argmax(dim=1) == targets).sum()

    if frozen is not None:
        frozen.to(memory_format=torch.channels_last).eval()
    for _ in range(job.epochs):
        network.train()
        train_epoch(
            optimizer,
            lambda chosen: compute_loss(*prepare(chosen)),
            (held_out + torch.randperm(len(images) - held_out)).split(job.batch),
        )
        network.eval()
        validation = validate(
            lambda chosen: sum_validation(*prepare(chosen)), torch.arange(held_out).split(EVALUATION_BATCH)
        )
        end_epoch(validation / held_out)


def train_epoch(optimizer, compute_loss, batches):
    """Step on the loss of each batch of indices."""
    for chosen in batches:
        optimizer.zero_grad()
        compute_loss(chosen).backward()
        optimizer.step()


@torch.no_grad()
def validate(compute_sum, batches):
    """Return the sum of what is computed of each batch of indices."""
    return float(sum(compute_sum(chosen) for chosen in batches))


@torch.no_grad()
def test(job, classifier):
    """Print the share of the test images that a classifier gets right."""
    images, labels = (torch.from_numpy(read_idx(path).copy()) for path in (job.test, job.test_labels))
    classifier.eval()
    parts = [classifier(part[:, None].float() / 255).argmax(dim=1) for part in images.split(EVALUATION_BATCH)]
    print(float((torch.cat(parts) == labels).float().mean()))


if __name__ == "__main__":
    main()
