"""The experiments of ``classification.py``: a classifier on an encoder, in two phases, and its results."""

from dataclasses import dataclass
from functools import cached_property, partial

from utilities.data.datasets import LabelledImages
from utilities.network import networks
from utilities.network.layers import Encoder
from utilities.record import figures, pictures
from utilities.record.results import Results, format_results
from utilities.record.runs import identify
from utilities.session.experiments import Task
from utilities.terminal.console import say, terminal_width
from utilities.training import training


@dataclass(frozen=True)
class ClassifierTask(Task):
    """Trains classifiers on the same labelled images and encoder, and measures them on the same test set."""

    labelled: LabelledImages
    test: LabelledImages
    encoder: Encoder

    script = "classification"

    @cached_property
    def trained_on(self):
        """The images and their labels."""
        labels = self.labelled.classes[self.labelled.targets]
        return {
            str(self.arguments.data.resolve()): identify(self.labelled.images),
            str(self.arguments.datalabels.resolve()): identify(labels),
        }

    @property
    def data(self):
        """Images, labels and the encoder."""
        return self.trained_on | {str(self.arguments.modelpath.resolve()): self.encoder.name}

    @property
    def conditions(self):
        """The encoder."""
        return {"encoder": self.encoder.name}

    def build(self, hyperparameters):
        """Return a networks.Classifier on the encoder as it was read."""
        encoder = networks.build_encoder(self.encoder)
        return networks.build_classifier(encoder, hyperparameters.units, len(self.labelled.classes))

    def train(self, network, hyperparameters, folder):
        """Train the classifier; return the training.TrainedClassifier, and the signal that stopped it, or None."""
        trained = training.train_classifier(
            network, self.labelled, self.split, hyperparameters, self.arguments.seed, folder
        )
        return trained, trained.stopped_by

    def model_to_keep(self, network):
        """Return the whole classifier."""
        return network.whole

    def tell_outcome(self, losses):
        """Return cross-entropy and accuracy in words."""
        return f"cross-entropy {losses['val_loss']:.4f}, accuracy {losses['val_accuracy']:.2%}"

    def choices(self, console, trained, experiments):
        """Return the report on the test set."""
        folder = experiments[-1].folder
        return {3: ("results on the test set", lambda: report_on_test_set(trained, self.test, folder))}


def report_on_test_set(trained, test, folder):
    """Print the results of both phases on the test set, and keep them, and their pictures, in a run's folder.

    Args:
        trained: training.TrainedClassifier.
        test: LabelledImages.
    """
    frozen, final = (Results(test.targets, probabilities, test.classes) for probabilities in trained.predict(test))
    begin = f"after phase 1 (encoder frozen): test loss {frozen.loss:.4f}, test accuracy {frozen.accuracy:.2%}\n"
    say(f"{begin}\n{format_results(final, terminal_width())}\n")
    folder.keep_bytes("results.txt", f"{begin}\n{format_results(final)}\n".encode())
    drawings = {
        "examples": partial(figures.draw_examples, final, test.images),
        "confusion": partial(figures.draw_confusion, final),
    }
    pictures.show(drawings, folder)
