"""Writes a part of docs/coverage.md from a report of check.py: the page itself, or the section of one PyTorch for models imported as Python source.

    python3 coverage.py report.json [docs/coverage.md]

With the page as it is, its rows of models that the report does not have are kept.
"""

import json
import sys

# Tables of the page by what became of a row, with the headings that they stand under.
HEADINGS = {"passed": "# Coverage", "refused": "## Refused", "failed": "## Wrong"}
# Of the first table; the columns behind these are those of other sweeps, see scripts/lib/coverage.mjs.
OWN_COLUMNS = 7


def main():
    with open(sys.argv[1]) as file:
        report = json.load(file)
    if report["source"] == "python":
        return python_section(report)
    rows = {}
    if len(sys.argv) > 2:
        with open(sys.argv[2]) as file:
            rows.update(previous(file.read()))
    rows.update({(row["model"], row["form"]): (row["status"], LINES[row["status"]](row)) for row in report["rows"]})
    tables = in_order(rows)
    counts = {status: len(lines) for status, lines in tables.items()}
    print("# Coverage\n")
    print("Each model is built with random weights, statistics, gains and biases, saved with `torch.jit.save`, compiled with the packed `petal` command, "
          f"and run by the lite interpreter of PyTorch {report['torch']}. The error is the largest difference from the **eager** model's output over all input sets, relative to the "
          "output's largest magnitude. Input sets differ in batch size, height and width wherever the model allows; *shapes* says how many count (a trace does not always generalize). "
          "Operators are node counts without constants, after inlining and in the emitted file. *PyTorch* is the same error of what PyTorch's own `optimize_for_mobile` makes of the same archive, on the first inputs.\n")
    print("Made by `npm run zoo -- --set full --blocked --upstream` (see CONTRIBUTING.md). Models marked * were also compiled with every single optimization blocked and with all of them blocked.\n")
    print("The columns behind these are the same error of other files, each from a sweep of its own, and **empty where that sweep has not run the model**:\n")
    print("- *our runtime*: see [below](#in-our-own-runtime).\n"
          "- *Vulkan* and *Metal*: `backend=vulkan` and `backend=metal`, whose operators and packed weights are also compared with what PyTorch's own passes make. The files run as the device would, "
          "with tensors of the device and, for Vulkan, with CPU tensors that the file moves; what is computed is **emulated on the CPU** ([packages/core/test/gpu](../packages/core/test/gpu/README.md)). "
          "Most detection models are of doubles, which GPUs do not have: they stay on the CPU.\n"
          "- *Vulkan kernels*: the same Vulkan files in **PyTorch 1.13's own Vulkan kernels**, on a driver that computes on the CPU, with batches of one image.\n"
          "- † : the device lacks an operator, as the compiler warns: the file for Vulkan runs with automatic transfer only, and the one for Metal not at all.\n"
          "- *.pt*: `format=torchscript`, in `torch.jit.load`; to the last bit what the lite interpreter makes of the `.ptl`.\n")
    print("Quantized models are in [quantized.md](quantized.md), to the last bit.\n")
    print(f"{counts['passed']} correct, {counts['refused']} refused, {counts['failed']} wrong.\n")
    print("| model | form | worst relative error | shapes | operators before | after | PyTorch |\n|---|---|---|---|---|---|---|")
    print("\n".join(tables["passed"]))
    if tables["refused"]:
        print(f"\n{HEADINGS['refused']}\n\nNothing is written for these, and the message says why. PyTorch's own lite files of the same models do not work either.\n")
        print("| model | form | Petal says | PyTorch 1.13 says |\n|---|---|---|---|")
        print("\n".join(tables["refused"]))
    if tables["failed"]:
        print(f"\n{HEADINGS['failed']}\n\n| model | form | problem |\n|---|---|---|")
        print("\n".join(tables["failed"]))


LINES = {
    "passed": lambda row: f"| {row['model']}{'*' if row['checks'] > 1 else ''} | {row['form']} | {row['worst']:.1e} | {row['shapes']} | {row['before']} | {row['after']} | {upstream(row)} |",
    "refused": lambda row: f"| {row['model']} | {row['form']} | {cell(row['why'])} | {cell(row['pytorch'])} |",
    "failed": lambda row: f"| {row['model']} | {row['form']} | {cell(row['problem'])} |",
}


def previous(page):
    """Rows that the page has, by model and form: what became of each, and its line."""
    rows, heading = {}, None
    status_of = {heading: status for status, heading in HEADINGS.items()}
    for line in page.split("\n"):
        if line.startswith("#"):
            heading = line
        cells = line[2:-2].split(" | ")
        if heading in status_of and line.startswith("| ") and cells[0] != "model":
            rows[cells[0].rstrip("*"), cells[1]] = status_of[heading], f"| {' | '.join(cells[:OWN_COLUMNS])} |"
    return rows


def in_order(rows):
    """Lines by what became of the rows, families together; models that are no longer in the zoo are left out."""
    import zoo

    families = {model.name: model.family for model in zoo.all_models()}
    order = sorted((key for key in rows if key[0] in families), key=lambda key: (families[key[0]], *key))
    return {status: [rows[key][1] for key in order if rows[key][0] == status] for status in HEADINGS}


def python_section(report):
    """Counts by kind of model, and every row that did not come out correct."""
    judge, rows = report["torch"], report["rows"]
    # The same release for every row; a row whose processes ended early does not know it.
    maker = next(row["maker"] for row in rows if row.get("maker"))
    counts = {status: sum(row["status"] == status for row in rows) for status in ("passed", "refused", "failed")}
    print(f"## From Python source, PyTorch {maker}\n")
    elsewhere = sum(row.get("runtime") == "maker" for row in rows)
    models = "The same models" if report["set"] == "full" else f"{len({row['model'] for row in rows})} of the same models"
    print(f"{models} as `.py` files, imported with `convert=trace` and `convert=script`. The emitted file is run by the lite interpreter of "
          f"PyTorch {judge}" + (f", or, for {elsewhere} models with operators that it does not know yet, compiled with `block=insert_fold_prepack_ops` and run by {maker}'s" if elsewhere else "")
          + ", and compared with the eager model in the PyTorch that converted.\n")
    print(f"{counts['passed']} correct, {counts['refused']} refused, {counts['failed']} wrong.\n")
    print("| models | form | correct | refused | worst relative error |\n|---|---|---|---|---|")
    for family, form in sorted({(kind(row), row["form"]) for row in rows}):
        group = [row for row in rows if (kind(row), row["form"]) == (family, form)]
        errors = [row["worst"] for row in group if row["status"] == "passed"]
        print(f"| {family} | {form} | {len(errors)} | {sum(row['status'] == 'refused' for row in group)} | {f'{max(errors):.1e}' if errors else ''} |")
    if counts["refused"]:
        print("\n| refused | form | Petal says | PyTorch itself |\n|---|---|---|---|")
    for row in rows:
        if row["status"] == "refused":
            print(f"| {row['model']} | {row['form']} | {cell(row['why'])} | {cell(row['pytorch'])} |")
    if counts["failed"]:
        print("\n| wrong | form | problem |\n|---|---|---|")
    for row in rows:
        if row["status"] == "failed":
            print(f"| {row['model']} | {row['form']} | {cell(row['problem'])} |")


def kind(row):
    return row["family"] if row["family"] in ("language", "sequence") else "torchvision"


def upstream(row):
    error = row.get("upstream")
    if error is None:
        return ""
    if isinstance(error, str):
        return f"fails: {cell(error)[:80]}"
    return f"**{error:.1e}**" if error > 1e-3 else f"{error:.1e}"


def cell(text):
    return text.replace("|", "\\|").split("\n")[0][:240]


if __name__ == "__main__":
    main()
