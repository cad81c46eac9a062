"""Writes a part of docs/coverage.md from a report of check.py: the page itself, or the section of one PyTorch for models imported as Python source.

    python3 coverage.py report.json
"""

import json
import sys


def main():
    with open(sys.argv[1]) as file:
        report = json.load(file)
    if report["source"] == "python":
        return python_section(report)
    rows = report["rows"]
    passed = [row for row in rows if row["status"] == "passed"]
    refused = [row for row in rows if row["status"] == "refused"]
    failed = [row for row in rows if row["status"] == "failed"]
    print("# Coverage\n")
    print("Each model is built with random weights, statistics, gains and biases, saved with `torch.jit.save`, compiled with the packed `petal` command, "
          f"and run by the lite interpreter of PyTorch {report['torch']}. The error is the largest difference from the **eager** model's output over all input sets, relative to the "
          "output's largest magnitude. Input sets differ in batch size, height and width wherever the model allows; *shapes* says how many count (a trace does not always generalize). "
          "Operators are node counts without constants, after inlining and in the emitted file. *PyTorch* is the same error of what PyTorch's own `optimize_for_mobile` makes of the same archive, on the first inputs.\n")
    print("Made by `npm run zoo -- --set full --blocked --upstream` (see CONTRIBUTING.md). Models marked * were also compiled with every single optimization blocked and with all of them blocked.\n")
    print(f"{len(passed)} correct, {len(refused)} refused, {len(failed)} wrong.\n")
    print("| model | form | worst relative error | shapes | operators before | after | PyTorch |\n|---|---|---|---|---|---|---|")
    for row in passed:
        print(f"| {row['model']}{'*' if row['checks'] > 1 else ''} | {row['form']} | {row['worst']:.1e} | {row['shapes']} | {row['before']} | {row['after']} | {upstream(row)} |")
    if refused:
        print("\n## Refused\n\nNothing is written for these, and the message says why. PyTorch's own lite files of the same models do not work either.\n")
        print("| model | form | Petal says | PyTorch 1.13 says |\n|---|---|---|---|")
        for row in refused:
            print(f"| {row['model']} | {row['form']} | {cell(row['why'])} | {cell(row['pytorch'])} |")
    if failed:
        print("\n## Wrong\n\n| model | form | problem |\n|---|---|---|")
        for row in failed:
            print(f"| {row['model']} | {row['form']} | {cell(row['problem'])} |")


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
