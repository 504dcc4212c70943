"""Checks what `ana` writes against the schemas in specs/schema/.

    validate.py FILE...

A file holds what one command wrote with -f json or -f jsonl: documents one behind the other. A report says
itself which schema it has. Beside the schema, the columns that a table declares have to be the keys of its rows,
in the units that the schema documents, and a heatmap has as many cells as its axes say. Status 1 and a line for each mistake.
"""

import json
import pathlib
import sys
import warnings

import jsonschema

warnings.simplefilter("ignore", DeprecationWarning)  # RefResolver: Debian 12 has nothing newer
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "specs" / "schema"
SCHEMAS = {p.name: json.loads(p.read_text()) for p in FOLDER.glob("*.json")}
UNITS = {"text", "count", "number", "ns", "bytes", "fraction", "float", "address"}


def validator_of(name):
    base = FOLDER.as_uri() + "/"
    store = {base + n: s for n, s in SCHEMAS.items()}
    resolver = jsonschema.RefResolver(base + name, SCHEMAS[name], store=store)
    return jsonschema.Draft202012Validator(SCHEMAS[name], resolver=resolver)


def documents(text):
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        document, at = decoder.raw_decode(text, at)
        yield document
        while at < len(text) and text[at].isspace():
            at += 1


def row_schema(report, section):
    analyzer, _, name = section.rpartition(".") if report == "report" else (report, "", section)
    return SCHEMAS[analyzer + ".json"]["$defs"][name]["properties"]["rows"]["items"]["properties"]


def mistakes_in_columns(document):
    for name, section in document.get("sections", {}).items():
        if section["kind"] != "table":
            continue
        schema = row_schema(document["report"], name)
        for column in section["columns"]:
            unit = schema[column["name"]]["$ref"].rpartition("/")[2]
            if unit != column["unit"]:
                yield f"{name}.{column['name']} is in {column['unit']}, documented in {unit}"
        declared = [c["name"] for c in section["columns"]]
        for row in section["rows"]:
            if list(row) != declared:
                yield f"{name}: a row has {list(row)}, declared are {declared}"
                break


def mistakes_in_cells(document):
    """Of heatmaps: as many as the axes say, each a count. What was looked at is cut, as the validator is slow."""
    for name, section in document.get("sections", {}).items():
        if section.get("kind") != "heatmap":
            continue
        cells, x, y = section["cells"], section["x"]["edges"], section["y"]["edges"]
        if len(cells) != max(len(y) - 1, 0) or any(len(row) != max(len(x) - 1, 0) for row in cells):
            yield f"{name}: not as many cells as the axes have steps"
        if any(type(cell) is not int or cell < 0 for row in cells for cell in row):
            yield f"{name}: a cell that is no count"
        section["cells"] = cells[:2]


def mistakes(document):
    name = document.get("report", "dump") + ".json"
    if name not in SCHEMAS:
        return [f"there is no schema {name}"]
    found = list(mistakes_in_cells(document)) + [
        "/".join(map(str, e.absolute_path)) + ": " + e.message[:300]
        for e in validator_of(name).iter_errors(document)
    ]
    return found or list(mistakes_in_columns(document))


def main():
    status = 0
    for name in SCHEMAS:
        jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            for document in documents(f.read()):
                for mistake in mistakes(document):
                    print(f"{path}: {mistake}")
                    status = 1
    return status


sys.exit(main())
