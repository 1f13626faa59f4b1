"""The answers to the questions of each script, which make a network and its training."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AutoencoderHyperparameters:
    """The answers to the questions of ``autoencoder.py``.

    Attributes:
        kernel_sizes: (rows, columns) of each layer's kernel, from the image to the code.
        filters: each layer's number of filters, as many as kernel_sizes.
        epochs: passes over the training images.
        batch_size: images in each step of the optimizer.
        third_pooling: whether set 3 ends in max-pooling by 7; None where it cannot, and is not asked.
    """

    kernel_sizes: tuple[tuple[int, int], ...]
    filters: tuple[int, ...]
    epochs: int
    batch_size: int
    third_pooling: bool | None

    def labels(self):
        """Return {name: value} as texts, for tables and pictures."""
        return {
            "layers": str(len(self.filters)),
            "kernels": " ".join(
                str(rows) if rows == columns else f"{rows}x{columns}" for rows, columns in self.kernel_sizes
            ),
            "filters": show_numbers(self.filters),
            "epochs": str(self.epochs),
            "batch size": str(self.batch_size),
            "third pooling": "yes" if self.third_pooling else "no",
        }

    def answers(self):
        """Return the lines that answer the script's questions with these values."""
        third_pooling = [] if self.third_pooling is None else ["y" if self.third_pooling else "n"]
        return [
            str(len(self.filters)),
            show_kernel_sizes(self.kernel_sizes),
            show_numbers(self.filters),
            str(self.epochs),
            str(self.batch_size),
            *third_pooling,
        ]


@dataclass(frozen=True)
class ClassifierHyperparameters:
    """The answers to the questions of ``classification.py``.

    Attributes:
        units: width of the hidden dense layer.
        epochs: passes over the training images, in each of the two phases.
        batch_size: images in each step of the optimizer.
    """

    units: int
    epochs: int
    batch_size: int

    def labels(self):
        """Return {name: value} as texts, for tables and pictures."""
        return {"units": str(self.units), "epochs": str(self.epochs), "batch size": str(self.batch_size)}

    def answers(self):
        """Return the lines that answer the script's questions with these values."""
        return [str(self.units), str(self.epochs), str(self.batch_size)]


def show_kernel_sizes(sizes):
    """Return kernel sizes as they are typed: "(5, 5) (3, 3)"."""
    return " ".join(f"({rows}, {columns})" for rows, columns in sizes)


def show_numbers(numbers):
    """Return numbers as they are typed: "16 32 64"."""
    return " ".join(map(str, numbers))
