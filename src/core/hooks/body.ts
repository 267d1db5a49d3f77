/**
 * Reads the body of a hook's request: JSON, a form, or a text.
 *
 * It is checked before it is parsed: a megabyte can hold 200,000 keys, or 500,000 nested lists, which
 * would cost the main thread more than any event is worth.
 */

import { bounded } from "../../lib/text/cut.ts";
import { isRecord } from "../../lib/text/json.ts";

/** A body, or why it cannot be read. */
type HookBody =
  | { readonly kind: "body"; readonly value: unknown; readonly text: string }
  | { readonly kind: "problem"; readonly why: string };

/** Maximum number of values in a body, and of lists or objects within each other. */
export const BODY_VALUES_MAX = 10_000;
const BODY_DEPTH_MAX = 64;

/** Reads a body of at most 1 MiB. */
export function readHookBody(bytes: Uint8Array, contentType: string): HookBody {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return problem("The body is not UTF-8");
  }
  const [type = ""] = contentType.toLowerCase().split(";");
  switch (type.trim()) {
    case "application/x-www-form-urlencoded":
      return readForm(text);
    case "":
    case "text/plain":
      return { kind: "body", value: text, text };
    default:
      return /^(?:application|text)\/(?:[\w.-]+\+)?json$/.test(type.trim())
        ? readJson(text)
        : problem("Send JSON, a form, or plain text, with its Content-Type");
  }
}

function readJson(text: string): HookBody {
  const why = tooMuchIn(text);
  if (why !== undefined) return problem(why);
  try {
    return { kind: "body", value: JSON.parse(text), text };
  } catch {
    return problem("The body is not valid JSON");
  }
}

/** By default, GitHub sends its JSON in a field of a form. */
function readForm(text: string): HookBody {
  if (text.split("&", BODY_VALUES_MAX + 1).length > BODY_VALUES_MAX) return problem(TOO_MANY);
  const fields = new URLSearchParams(text);
  const payload = fields.get("payload");
  if (payload?.trimStart().startsWith("{")) return readJson(payload);
  return { kind: "body", value: Object.fromEntries(fields), text };
}

const TOO_MANY = `The body has more than ${BODY_VALUES_MAX} values`;

/** Counts values and depth without parsing. */
function tooMuchIn(text: string): string | undefined {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // a string; only an unescaped quote ends it
        for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) {
          if (text.charCodeAt(at) === 0x5c) at++;
        }
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > BODY_DEPTH_MAX) return `The body is nested deeper than ${BODY_DEPTH_MAX}`;
        if (++values > BODY_VALUES_MAX) return TOO_MANY;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
      case 0x2c:
        if (++values > BODY_VALUES_MAX) return TOO_MANY;
    }
  }
  return undefined;
}

export function memberOf(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return /^\d+$/.test(name) ? value[Number(name)] : undefined;
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Maximum characters of a text in a body that is too long. */
const STRING_CHARS = 2_000;

/** Ids, and addresses for programs. `html_url` is the page for people. */
const FOR_PROGRAMS = /^(?:node_)?id$|_id$|(?<!^html)_url$/;

/**
 * The whole body as text for a model. Of GitHub's events, most is the same in each: if a body is
 * longer than `max`, it loses values for programs, and a repository within a part becomes its name.
 */
export function bodyText(body: unknown, max: number): string {
  if (typeof body === "string") return body;
  const text = JSON.stringify(body, undefined, 1);
  return text.length <= max ? text : JSON.stringify(withoutRest(body, "", 0), undefined, 1);
}

function withoutRest(value: unknown, key: string, depth: number): unknown {
  if (typeof value === "string") return bounded(value, STRING_CHARS);
  if (Array.isArray(value)) return value.map((item) => withoutRest(item, key, depth + 1));
  if (!isRecord(value)) return value;
  if (depth > 1 && /repo/.test(key) && "full_name" in value) return value["full_name"];
  const isForPeople = ([name, member]: readonly [string, unknown]) =>
    member !== null && name !== "_links" && !FOR_PROGRAMS.test(name) &&
    !(name === "url" && "html_url" in value);
  return Object.fromEntries(
    Object.entries(value).filter(isForPeople)
      .map(([name, member]) => [name, withoutRest(member, name, depth + 1)]),
  );
}

function problem(why: string): HookBody {
  return { kind: "problem", why };
}
