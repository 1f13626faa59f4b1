"""The experiments of ``classification.py``: a classifier on an encoder, in two phases, and its results."""

import hashlib
from dataclasses import dataclass

from utilities.data.datasets import LabelledImages
from utilities.network import networks
from utilities.network.model_files import load_encoder
from utilities.record import figures
from utilities.record.results import Results, format_results
from utilities.session.experiments import Task
from utilities.terminal.console import say, terminal_width
from utilities.training import training


@dataclass(frozen=True)
class ClassifierTask(Task):
    """Trains classifiers on the same labelled images and encoder, and measures them on the same test set."""

    labelled: LabelledImages
    test: LabelledImages

    script = "classification"

    @property
    def trained_on(self):
        """The files of images and labels, and the images' shape."""
        files = {"images": str(self.arguments.data.resolve()), "labels": str(self.arguments.datalabels.resolve())}
        return files | {"shape": str(self.labelled.images.shape)}

    @property
    def conditions(self):
        """The encoder."""
        return {"encoder": name_encoder(self.arguments.modelpath)}

    def build(self, hyperparameters):
        """Return a networks.Classifier on the encoder as its file has it."""
        encoder = load_encoder(self.arguments.modelpath)
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


def name_encoder(path):
    """Return what tells an encoder file from others: its name, and the beginning of a digest of what is in it."""
    with path.open("rb") as file:
        return f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()[:6]}"


def report_on_test_set(trained, test, folder):
    """Print the results of both phases on the test set, and keep them, and their pictures, in a run's folder.

    Args:
        trained: training.TrainedClassifier.
        test: LabelledImages.
    """
    frozen, final = (Results(test.targets, probabilities, test.classes) for probabilities in trained.predict(test))
    begin = f"after phase 1 (encoder frozen): test loss {frozen.loss:.4f}, test accuracy {frozen.accuracy:.2%}\n"
    say(f"{begin}\n{format_results(final, terminal_width())}\n")
    folder.keep_text("results.txt", f"{begin}\n{format_results(final)}\n")
    figures.show(
        {"examples": figures.draw_examples(final, test.images), "confusion": figures.draw_confusion(final)}, folder
    )
