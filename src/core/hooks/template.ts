/**
 * Renders the templates of hooks (W4): text with values of the body between `{{` and `}}`.
 *
 * It has paths, alternatives, words for values, and lists, and no code: no sender can make a
 * template cost more than its length and the body's. The packages for JSONPath evaluate scripts, or
 * are larger than all of this folder.
 */

import { memberOf } from "./body.ts";

export interface HookValues {
  readonly body: unknown;
  /** The body as it was sent. */
  readonly text: string;
  /** A header's value, by its name in lower case. */
  readonly header: (name: string) => string | undefined;
}

/** `plain`: for models and keys. `markdown`: values cannot make markup or mentions. */
type HookForm = "plain" | "markdown";

/** Maximum characters of one value, and items of a list. */
const VALUE_CHARS = 2_000;
const LIST_MAX = 20;

const TAG = /\{\{\s*(?:#each\s+([^{}]+?)|(\/each)|([^{}]+?))\s*\}\}/g;

type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly alternatives: readonly Alternative[] }
  | { readonly kind: "each"; readonly path: Path; readonly parts: readonly Part[] };

interface Alternative {
  readonly path: Path | { readonly literal: string };
  readonly words: ReadonlyMap<string, string>;
}

/** `"*"` stands for all items. */
type Path = {
  readonly root: "value" | "body" | "text" | "header";
  readonly names: readonly string[];
};

/** Why a text is no template; `undefined` if it is one. */
export function templateProblem(template: string): string | undefined {
  const parsed = parse(template);
  return typeof parsed === "string" ? parsed : undefined;
}

/** Why a text is no path; `undefined` if it is one. */
export function pathProblem(path: string): string | undefined {
  return readPath(path) ? undefined : `"${path}" is no path, such as alerts[0].labels.name`;
}

/** Renders a valid template; blank lines at its ends are removed. */
export function renderTemplate(template: string, values: HookValues, form: HookForm): string {
  const parts = parse(template);
  return typeof parts === "string" ? "" : render(parts, values.body, values, form).trim();
}

export function valuesAt(path: string, values: HookValues): readonly string[] {
  const read = readPath(path);
  return read ? textsOf(read, values.body, values) : [];
}

function parse(template: string): readonly Part[] | string {
  const outer: Part[] = [];
  let parts = outer;
  let each: { readonly path: Path; readonly parts: Part[] } | undefined;
  let end = 0;
  for (const match of template.matchAll(TAG)) {
    const [whole, list, isEnd, value] = match;
    if (match.index > end) parts.push({ kind: "text", text: template.slice(end, match.index) });
    end = match.index + whole.length;
    if (list !== undefined) {
      const path = readPath(list);
      if (!path) return pathProblem(list) ?? "";
      if (each) return "{{#each}} within {{#each}} is not possible";
      each = { path, parts: [] };
      ({ parts } = each);
    } else if (isEnd !== undefined) {
      if (!each) return "{{/each}} has no {{#each}} before it";
      outer.push({ kind: "each", ...each });
      each = undefined;
      parts = outer;
    } else {
      const alternatives = readAlternatives(value ?? "");
      if (typeof alternatives === "string") return alternatives;
      parts.push({ kind: "value", alternatives });
    }
  }
  if (each) return "{{#each}} has no {{/each}} after it";
  const rest = template.slice(end);
  if (rest !== "") parts.push({ kind: "text", text: rest });
  const stray = parts.find((part) => part.kind === "text" && /\{\{|\}\}/.test(part.text));
  return stray ? "{{ and }} do not match" : outer;
}

/** `a.b || c | 0=down | 1=up || "none"`. */
function readAlternatives(written: string): readonly Alternative[] | string {
  const found: Alternative[] = [];
  for (const part of written.split("||")) {
    const [first = "", ...mapped] = part.split("|").map((one) => one.trim());
    const literal = /^"([^"]*)"$/.exec(first)?.[1];
    const path = literal === undefined ? readPath(first) : { literal };
    if (!path) return pathProblem(first) ?? "";
    const words = new Map<string, string>();
    for (const one of mapped) {
      const [, value, word] = /^([^=]+?)\s*=\s*(.*)$/.exec(one) ?? [];
      if (value === undefined || word === undefined) return `"${one}" must be <value>=<words>`;
      words.set(value, word);
    }
    found.push({ path, words });
  }
  return found;
}

const NAME = /(?:^|\.)([^.@[\]"|{}\s]+)|\[(\d+|\*)\]|\["([^"]+)"\]/gy;

function readPath(written: string): Path | undefined {
  const text = written.trim();
  const header = /^@header\.([\w-]+)$/.exec(text)?.[1];
  if (header !== undefined) return { root: "header", names: [header.toLowerCase()] };
  if (text === "@text") return { root: "text", names: [] };
  if (text === "@body") return { root: "body", names: [] };
  if (text === "@item") return { root: "value", names: [] };
  const names: string[] = [];
  NAME.lastIndex = 0;
  while (NAME.lastIndex < text.length) {
    const match = NAME.exec(text);
    if (!match) return undefined;
    names.push(match[1] ?? match[2] ?? match[3] ?? "");
  }
  return names.length > 0 ? { root: "value", names } : undefined;
}

function render(
  parts: readonly Part[],
  here: unknown,
  values: HookValues,
  form: HookForm,
): string {
  return parts.map((part) => {
    switch (part.kind) {
      case "text":
        return part.text;
      case "value":
        return valueText(part.alternatives, here, values, form);
      case "each": {
        const items = itemsAt(part.path, here, values);
        const shown = items.slice(0, LIST_MAX).map((item) =>
          render(part.parts, item, values, form)
        );
        const more = items.length - shown.length;
        return shown.join("") + (more > 0 ? `\n… and ${more} more` : "");
      }
    }
  }).join("");
}

function valueText(
  alternatives: readonly Alternative[],
  here: unknown,
  values: HookValues,
  form: HookForm,
): string {
  for (const { path, words } of alternatives) {
    if ("literal" in path) return path.literal;
    const texts = textsOf(path, here, values);
    if (texts.every((text) => text === "")) continue;
    return texts.map((text) => words.get(text) ?? inForm(clipped(text), form)).join(", ");
  }
  return "";
}

function itemsAt(path: Path, here: unknown, values: HookValues): readonly unknown[] {
  const found = foundAt(path, here, values);
  return found.flatMap((one): readonly unknown[] => Array.isArray(one) ? one : [one]);
}

function textsOf(path: Path, here: unknown, values: HookValues): readonly string[] {
  return foundAt(path, here, values).map((value) => textOf(value).trim());
}

function foundAt({ root, names }: Path, here: unknown, values: HookValues): readonly unknown[] {
  switch (root) {
    case "header":
      return [values.header(names[0] ?? "")].filter((one) => one !== undefined);
    case "text":
      return [values.text];
    case "body":
      return [values.body];
    case "value":
      return names.reduce<readonly unknown[]>(step, [here]);
  }
}

function step(found: readonly unknown[], name: string): readonly unknown[] {
  return found.flatMap((value): readonly unknown[] => {
    if (name === "*") return Array.isArray(value) ? value.slice(0, LIST_MAX) : [];
    const member = memberOf(value, name);
    return member === undefined || member === null ? [] : [member];
  });
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "object":
      return JSON.stringify(value, undefined, 1);
    default:
      return String(value);
  }
}

function clipped(text: string): string {
  return text.length <= VALUE_CHARS ? text : `${text.slice(0, VALUE_CHARS)}…`;
}

const ONLY_ADDRESS = /^https?:\/\/[^\s<>]+$/;

/** An address in a text, without the signs that end a sentence or a pair of brackets. */
const ADDRESS = /(https?:\/\/[^\s<>]*[^\s<>.,:;!?'"()[\]{}*_~`|\\])/;

/** Controls, which Discord and terminals do not show, and marks that turn the words behind them. */
const HIDDEN = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Addresses stay addresses, without a preview. All other characters of markup and mentions lose their
 * effect.
 */
function inForm(written: string, form: HookForm): string {
  const text = written.toWellFormed();
  if (form === "plain") return text;
  if (ONLY_ADDRESS.test(text)) return `<${text}>`;
  return text.replace(HIDDEN, "").split(ADDRESS).map((part, at) =>
    at % 2 === 1
      ? `<${part}>`
      : part.replace(/[\\*_~`|<[\]]|^\s*[>#-]/gm, (found) => found.replace(/\S/, "\\$&"))
  ).join("");
}
