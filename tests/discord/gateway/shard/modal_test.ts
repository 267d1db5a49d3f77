import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FieldKind, Form } from "../../../../src/core/people/form.ts";
import { modalAnswer } from "../../../../src/discord/gateway/shard/forms.ts";
import { modalBody } from "../../../../simulator/world/modals.ts";
import { createRequestValidator } from "../../../support/discord/openapi.ts";

const KINDS: readonly FieldKind[] = [
  "text",
  "paragraph",
  "select",
  "radio",
  "checkboxes",
  "checkbox",
  "user",
  "role",
  "channel",
  "file",
];

function formOf(kinds: readonly FieldKind[], more: object = {}): Form {
  const hasOptions = (kind: FieldKind) => ["select", "radio", "checkboxes"].includes(kind);
  return {
    title: "Which tide?",
    fields: kinds.map((kind, index) => ({
      kind,
      label: `Field ${index}`,
      isRequired: index % 2 === 0,
      options: hasOptions(kind) ? ["high", "low"] : [],
      max: 1,
      ...more,
    })),
  };
}

const openapi = createRequestValidator();

function problemsOf(form: Form): readonly unknown[] {
  const body = JSON.parse(modalAnswer("ask:1", form));
  const request = { method: "POST", path: "/interactions/1/token/callback", query: {}, body };
  const judged = modalBody.safeParse(body.data);
  return [...openapi.problemsOf(request), ...judged.success ? [] : judged.error.issues];
}

describe("[T10] modalAnswer()", () => {
  for (const kind of KINDS) {
    it(`encodes a field of the kind ${kind} as Discord documents it`, () => {
      assert.deepEqual(problemsOf(formOf([kind])), []);
      assert.deepEqual(problemsOf(formOf([kind], { isRequired: false, hint: "at noon" })), []);
    });
  }

  it("tells Discord what may be uploaded, and only that of files", () => {
    const types = ["image", ".pdf"];
    const form = formOf(["file"], { types });
    assert.deepEqual(problemsOf(form), []);
    const [file] = JSON.parse(modalAnswer("ask:1", form)).data.components;
    assert.deepEqual(file.component.file_types, types);
    const [open] = JSON.parse(modalAnswer("ask:1", formOf(["file"]))).data.components;
    assert.equal("file_types" in open.component, false);
  });

  it("keeps Discord's limits, whatever the texts are", () => {
    for (const text of ["", " \n ", "x".repeat(5_000), "🌊".repeat(200)]) {
      const { fields } = formOf(["select", "radio", "checkboxes"]);
      const form = {
        title: text,
        fields: fields.map((field) => ({
          ...field,
          label: text,
          hint: text,
          options: [text, "b"],
        })),
      };
      assert.deepEqual(problemsOf(form), [], JSON.stringify(text.slice(0, 10)));
    }
  });
});
