"""Writes docs/coverage.md from a report of check.py.

    python3 coverage.py report.json > docs/coverage.md
"""

import json
import sys


def main():
    with open(sys.argv[1]) as file:
        report = json.load(file)
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
