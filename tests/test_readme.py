"""What the pages tell to paste, pasted: from a folder of pictures to their names, and cells of plain Keras."""

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
from conftest import SOURCE, parse_autoencoder_arguments, script_environment
from PIL import Image, ImageOps
from test_transcripts import SESSIONS, masked

from utilities.data.pictures import Form, bring, open_picture

PAGES = [SOURCE.parent / "README.md", *sorted(SOURCE.rglob("*.md"))]
PYTHON = "../../.venv/bin/python"
# There are as many as the data ask for, and their numbers differ.
EPOCHS = re.compile(r"(?m)(^epoch .*\n|^about \d.*\n)+")
INK = {"low": slice(16, 24), "high": slice(4, 12)}  # rows


def block_with(text, language=""):
    """Return the one block of the pages that has a text."""
    pages = "\n".join(page.read_text() for page in PAGES)
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", pages, re.DOTALL | re.MULTILINE)
    (found,) = (block for block in blocks if text in block)
    return found


def draw(path, name, random):
    """Save a picture of a dark bar, low or high, on a light ground."""
    pixels = random.integers(215, 256, (28, 28), np.uint8)
    left = random.integers(2, 10)
    pixels[INK[name], left : left + 16] = random.integers(0, 80)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of src/, with pictures of two classes where the commands look for them."""
    folder, random = tmp_path_factory.mktemp("readme"), np.random.default_rng(1)
    shutil.copytree(SOURCE, folder / "src", ignore=shutil.ignore_patterns("__pycache__", "runs", "*.h5"))
    for name in INK:
        (folder / "src/dataset/photos" / name).mkdir(parents=True)
        for number in range(18):
            draw(folder / "src/dataset/photos" / name / f"{number:02}.png", name, random)
    draw(folder / "src/classification/new.png", "high", random)
    return folder


@pytest.fixture(scope="module")
def pasted(house):
    """What the four commands printed, pasted one after another, and ``4`` with a picture in the last one's menu."""
    commands = block_with("dataset.py -d photos -o mine").replace(PYTHON, sys.executable)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=house,
        env=script_environment(),
        input="4\nnew.png\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_four_commands_lead_from_pictures_to_the_name_of_a_new_one(house, pasted):
    assert re.search(r"^new\.png +high +\d\d\.\d\d%", pasted, re.MULTILINE)


def test_the_session_of_the_four_commands(house, pasted):
    shown = pasted.replace(sys.executable, "python").replace(str(house.resolve()), "HOUSE").replace(str(house), "HOUSE")
    assert EPOCHS.sub("epochs\n", masked(shown)) == (SESSIONS / "pictures_session.txt").read_text()


def run_cell(text, folder):
    program = f"{block_with(text, 'python')}\nprint(sorted(name for name in dir() if name[0] != '_'))"
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_cell_that_names_a_picture(house, pasted):
    assert re.search(r"^high 0\.\d+$", run_cell("classifier.h5", house / "src/classification"), re.MULTILINE)


@pytest.mark.parametrize(
    "form",
    [
        Form(28, 28, 1, inverted=None),
        Form(28, 28, 1, inverted=True, transposed=True, crop=(40, 60)),
        Form(20, 28, 3, crop=(50, 50)),
    ],
)
@pytest.mark.parametrize("mode", ["L", "RGBA", "shaded", "10 bits", "10 bits, not told", "8 bits for 10"])
def test_the_cell_does_all_that_the_menu_does_with_a_picture(tmp_path, monkeypatch, form, mode):
    y, x = np.mgrid[:90, :90]
    ink = ((np.hypot(x - 40, y - 50) < 25) & (x < 50)).astype(float)
    pixels = 235 - 200 * ink - (100 * x / 90 if mode == "shaded" else 0)
    pixels = pixels.round().astype(np.uint8)
    if mode == "RGBA":
        pixels = np.dstack([np.full((90, 90, 3), (180, 20, 60), np.uint8), (255 * ink).astype(np.uint8)])
    if "10" in mode:
        form = replace(form, white=None if "not" in mode else 1023.0)
        pixels = pixels if mode.startswith("8") else pixels.astype(np.uint16) * 4
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "new.png", exif=exif)
    monkeypatch.chdir(tmp_path)
    lines = block_with("classifier.h5", "python").partition("picture = ")[2].partition("probabilities = ")[0]
    found = {"form": asdict(form), "numpy": np, "Image": Image, "ImageOps": ImageOps}
    exec(f"picture = {lines}", found)
    expected = bring(open_picture("new.png"), form) / 255
    assert found["image"].shape == expected.shape
    assert np.abs(found["image"] - expected).max() < 0.08
    assert np.abs(found["image"] - expected).mean() < 0.01


def test_the_cell_of_codes(house, pasted):
    environment = script_environment()
    command = [sys.executable, "autoencoder.py", "--open"]
    subprocess.run(command, cwd=house / "src/autoencoder", env=environment, input="7\n", text=True, check=True)
    program = block_with("codes.npy", "python") + (
        "\nassert drawn.shape == (1, 28, 28, 1) and 0 <= drawn.min() <= drawn.max() <= 1"
        "\nassert walk.shape == (8, 28, 28, 1)"
        "\nassert numpy.allclose(walk[0], drawn[0], atol=1e-5)"
        "\nassert len(clusters) == len(codes) == 30 and set(clusters) <= set(range(10))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=house / "src/autoencoder", check=True)


def test_the_cell_for_notebooks_asks_nothing():
    cell = block_with("!cd src/autoencoder")
    assert cell.startswith("!")
    flags = cell.split("autoencoder.py ")[1].split(" < ")[0]
    assert parse_autoencoder_arguments(shlex.split(flags)).answers["--layers"] == "3"


def test_in_a_notebook_run_is_refused_in_a_line_and_the_notebook_lives():
    path = SOURCE / "autoencoder" / "autoencoder.py"
    program = (
        "import builtins, runpy, sys\n"
        "builtins.get_ipython = lambda: None\n"
        f"sys.argv = [{str(path)!r}]\n"
        f"runpy.run_path({str(path)!r}, run_name='__main__')\n"
        "print('still there')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "still there\n"
    assert (
        done.stderr == "autoencoder.py: error: not with %run: use !python3 autoencoder.py, with flags for the answers\n"
    )


@pytest.mark.parametrize("page", [*PAGES, *SOURCE.parent.glob("[CS]*.md"), *SOURCE.parent.glob("*/*.md")], ids=str)
def test_what_a_page_links_to_is_there(page):
    for target, anchor in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", page.read_text()):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), target
        heads = re.findall(r"^#+ (.*)$", linked.read_text().lower(), re.MULTILINE) if anchor else [""]
        assert anchor in {re.sub(r"[^\w -]", "", head).replace(" ", "-") for head in heads}
