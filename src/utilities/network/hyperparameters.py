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

    def values(self):
        """Return {name: value}, for files: numbers, or lists of them."""
        return {
            "layers": len(self.filters),
            "kernels": self.kernel_sizes,
            "filters": self.filters,
            "epochs": self.epochs,
            "batch size": self.batch_size,
            "third pooling": bool(self.third_pooling),
        }

    def labels(self):
        """Return {name: value} as texts, for tables and pictures."""
        return {name: show_value(value) for name, value in self.values().items()}

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

    def values(self):
        """Return {name: value}, for files."""
        return {"units": self.units, "epochs": self.epochs, "batch size": self.batch_size}

    def labels(self):
        """Return {name: value} as texts, for tables and pictures."""
        return {name: show_value(value) for name, value in self.values().items()}

    def answers(self):
        """Return the lines that answer the script's questions with these values."""
        return [str(self.units), str(self.epochs), str(self.batch_size)]


def show_value(value):
    """Return one of the values of hyperparameters, or what a file has in its place, as a table shows it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case [[_, _], *_]:
            return " ".join(str(rows) if rows == columns else f"{rows}x{columns}" for rows, columns in value)
        case [*_]:
            return show_numbers(value)
    return str(value)


def show_kernel_sizes(sizes):
    """Return kernel sizes as they are typed: "(5, 5) (3, 3)"."""
    return " ".join(f"({rows}, {columns})" for rows, columns in sizes)


def show_numbers(numbers):
    """Return numbers as they are typed: "16 32 64"."""
    return " ".join(map(str, numbers))
