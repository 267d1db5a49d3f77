/** A form that the bot has opened: a dialog with its fields, for the current person. */

import { byId, element } from "./dom.js";
import { encodeFiles } from "./upload.js";

/** Shows the form; a new one takes the place of one that is open. */
export function openForm({ id, title, fields }, acts) {
  const inputs = fields.map((field, index) => ({ field, ...inputOf(field, `field-${index}`) }));
  const problem = element("p.problem", { role: "alert" });
  const dialog = element(
    "dialog.form",
    { "aria-labelledby": "form-title", onclose: () => dialog.remove() },
    element(
      "form",
      {
        async onsubmit(event) {
          event.preventDefault();
          problem.textContent = await submit(id, inputs, acts);
          if (problem.textContent === "") dialog.close();
        },
      },
      element("h2", { id: "form-title" }, title),
      ...inputs.map(({ field, node }, index) => labelled(field, node, `field-${index}`)),
      problem,
      element(
        "div.buttons",
        {},
        element("button.is-secondary", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        element("button.is-primary", { type: "submit" }, "Submit"),
      ),
    ),
  );
  document.querySelector("dialog.form")?.close();
  byId("app").append(dialog);
  dialog.showModal();
}

/** @returns The problem; empty if the bot has the form. */
async function submit(form, inputs, acts) {
  const values = {};
  const files = {};
  for (const { field: { label, kind }, read } of inputs) {
    const value = read();
    if (kind === "files") files[label] = await encodeFiles(value);
    else if (value !== undefined) values[label] = value;
  }
  return await acts.submit(form, values, files) ? "" : byId("problem").textContent;
}

function labelled({ label, hint, isRequired }, node, id) {
  const isGroup = node.tagName === "FIELDSET";
  const name = `${label}${isRequired ? " *" : ""}`;
  return element(
    "div.field",
    {},
    ...(isGroup ? [node] : [element("label", { for: id }, name), node]),
    hint === undefined ? undefined : element("small", {}, hint),
  );
}

/** The element of a field, and how to read its value: `undefined` for none. */
function inputOf(field, id) {
  const { kind, isRequired: required, max, initial, label } = field;
  switch (kind) {
    case "line":
    case "paragraph": {
      const node = kind === "line"
        ? element("input", { type: "text", id, required, maxlength: max })
        : element("textarea", { id, required, maxlength: max, rows: 4 });
      node.value = initial ?? "";
      return { node, read: () => node.value === "" ? undefined : node.value };
    }
    case "files": {
      const node = element("input", { type: "file", id, required, multiple: max > 1 });
      return { node, read: () => [...node.files] };
    }
    case "yes_no": {
      const node = element("input", { type: "checkbox", id, checked: initial === true });
      return { node, read: () => node.checked };
    }
    default:
      return max > 1 ? groupOf(field, `${label}${required ? " *" : ""}`) : menuOf(field, id);
  }
}

function menuOf({ options, isRequired: required }, id) {
  const node = element(
    "select",
    { id, required },
    element("option", { value: "" }, "Choose"),
    ...options.map(({ value, label }) => element("option", { value }, label)),
  );
  return { node, read: () => node.value === "" ? undefined : [node.value] };
}

function groupOf({ options, max }, name) {
  const boxes = options.map(({ value }) => element("input", { type: "checkbox", value }));
  const node = element(
    "fieldset",
    {},
    element("legend", {}, `${name} (up to ${max})`),
    ...options.map(({ label }, index) => element("label.choice", {}, boxes[index], label)),
  );
  return {
    node,
    read() {
      const chosen = boxes.filter(({ checked }) => checked).map(({ value }) => value);
      return chosen.length === 0 ? undefined : chosen;
    },
  };
}
