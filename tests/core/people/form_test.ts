import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  fieldId,
  type FormField,
  MAX_FIELD_CHARS,
  readForm,
} from "../../../src/core/people/form.ts";
import type { Submission } from "../../../src/core/people/form.ts";
import type { Attachment } from "../../../src/core/discord/attachment.ts";
import type { Snowflake } from "../../../src/core/discord/ids.ts";
import { sameData } from "../../support/same_data.ts";

const USER = "1400000000000000001";
const FILE: Attachment = {
  id: "1400000000000000002" as Snowflake<"attachment">,
  name: "tides.csv",
  url: "https://cdn.discordapp.com/tides.csv",
  size: 9,
};

const field = (fields: Partial<FormField>): FormField => ({
  kind: "text",
  label: "Port",
  isRequired: true,
  options: [],
  max: 1,
  ...fields,
});

function read(
  fields: Partial<FormField>,
  value: Submission["fields"][string] | undefined,
  more: Omit<Submission, "fields"> = {},
) {
  const form = { title: "Tides", fields: [field(fields)] };
  return readForm(form, { fields: value === undefined ? {} : { [fieldId(0)]: value }, ...more })
    ?.[0];
}

describe("[T10] readForm()", () => {
  it("reads each kind of field", () => {
    assert.deepEqual(read({}, "Hamburg"), { kind: "text", text: "Hamburg" });
    assert.deepEqual(read({ kind: "checkbox" }, true), { kind: "checked", isChecked: true });
    assert.deepEqual(read({ kind: "checkbox" }, undefined), { kind: "checked", isChecked: false });
    const ticked = { kind: "checkbox", isChecked: true } as const;
    assert.deepEqual(read(ticked, undefined), { kind: "checked", isChecked: true });
    assert.deepEqual(read(ticked, false), { kind: "checked", isChecked: false });
    const options = ["high", "low"];
    assert.deepEqual(read({ kind: "radio", options }, "1"), { kind: "picked", picked: [1] });
    assert.deepEqual(read({ kind: "select", options, max: 2 }, ["1", "0"]), {
      kind: "picked",
      picked: [1, 0],
    });
    assert.deepEqual(read({ kind: "user" }, [USER], { names: { [USER]: "Ada" } }), {
      kind: "chosen",
      chosen: [{ id: USER, name: "Ada" }],
    });
    sameData(read({ kind: "role" }, [USER]), { kind: "chosen", chosen: [{ id: USER }] });
    assert.deepEqual(read({ kind: "file" }, [FILE.id], { files: { [FILE.id]: FILE } }), {
      kind: "files",
      files: [FILE],
    });
  });

  const uploads: readonly [types: readonly string[] | undefined, name: string, isTaken: boolean][] =
    [
      [undefined, "tides.csv", true],
      [[".csv"], "tides.csv", true],
      [[".CSV"], "Tides.csv", true],
      [[".pdf", ".csv"], "TIDES.CSV", true],
      [[".pdf"], "tides.csv", false],
      [[".csv"], "csv", false],
      [["image"], "tides.csv", true], // the endings of a group are Discord's to know
      [["image", ".pdf"], "tides.csv", true],
    ];
  for (const [types, name, isTaken] of uploads) {
    it(`${isTaken ? "takes" : "refuses"} ${name} for ${types?.join(", ") ?? "any type"}`, () => {
      const files = { [FILE.id]: { ...FILE, name } };
      assert.equal(read({ kind: "file", types }, [FILE.id], { files }) !== undefined, isTaken);
    });
  }

  it("takes an empty answer only in an optional field", () => {
    for (const kind of ["text", "paragraph", "select", "radio", "user", "file"] as const) {
      for (const empty of ["text", "paragraph"].includes(kind) ? ["", " \n"] : [[]]) {
        assert.equal(read({ kind, options: ["a"] }, empty), undefined, kind);
        assert.notEqual(read({ kind, options: ["a"], isRequired: false }, empty), undefined, kind);
      }
    }
  });

  const forged: readonly [
    what: string,
    field: Partial<FormField>,
    value: Submission["fields"][string],
  ][] = [
    ["an option that does not exist", { kind: "select", options: ["a"] }, ["1"]],
    ["an option by its label", { kind: "select", options: ["a"] }, ["a"]],
    ["a name of a prototype", { kind: "select", options: ["a"] }, ["constructor"]],
    ["too many options", { kind: "checkboxes", options: ["a", "b"], max: 1 }, ["0", "1"]],
    ["one option twice", { kind: "select", options: ["a", "b"], max: 2 }, ["0", "0"]],
    ["a long text", {}, "x".repeat(MAX_FIELD_CHARS + 1)],
    ["a list in a text field", {}, ["Hamburg"]],
    ["a person without an id", { kind: "user" }, ["ada"]],
    ["a file that was not uploaded", { kind: "file" }, [FILE.id]],
    ["a file by a name of a prototype", { kind: "file" }, ["__proto__"]],
  ];
  for (const [what, fields, value] of forged) {
    it(`[SEC-R19] refuses ${what}`, () => {
      assert.equal(read(fields, value), undefined);
    });
  }

  it("refuses a form with a missing field, and ignores unknown ones", () => {
    const form = { title: "Tides", fields: [field({}), field({ label: "Day" })] };
    assert.equal(readForm(form, { fields: { [fieldId(0)]: "Hamburg" } }), undefined);
    const fields = { [fieldId(0)]: "Hamburg", [fieldId(1)]: "today", [fieldId(2)]: "more" };
    assert.equal(readForm(form, { fields })?.length, 2);
  });
});
