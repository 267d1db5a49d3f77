/** Makes the event of a request, by the templates and conditions of its hook (W4). */

import { hash } from "node:crypto";
import { bounded, clip } from "../../lib/text/cut.ts";
import type { AccountId } from "../discord/ids.ts";
import { bodyText } from "./body.ts";
import {
  HOOK_POST_CHARS,
  HOOK_TEXT_CHARS,
  type HookCondition,
  type HookReading,
  type NewHookEvent,
} from "./hook.ts";
import { type HookValues, renderTemplate, valuesAt } from "./template.ts";

/** Maximum characters of a sender's id, of a key, and of a state. */
const ID_CHARS = 200;
const KEY_CHARS = 200;
const TITLE_CHARS = 300;

/**
 * Reads an event.
 *
 * @param deliveryId The sender's id of the scheme's header; absent without one.
 * @returns `undefined` if the hook leaves such events out.
 */
export function readHookEvent(
  { hook, accountId, rules }: {
    readonly hook: string;
    readonly accountId: AccountId;
    readonly rules: HookReading;
  },
  values: HookValues,
  deliveryId: string | undefined,
): NewHookEvent | undefined {
  if (rules.only && !holds(rules.only, values)) return undefined;
  const line = (template: string | undefined, max: number) =>
    template === undefined ? "" : bounded(oneLine(renderTemplate(template, values, "plain")), max);
  const key = line(rules.thread, KEY_CHARS);
  const { template = "{{ @body }}" } = rules;
  const text = clip(
    rules.template === undefined
      ? bodyText(values.body, HOOK_TEXT_CHARS).toWellFormed().trim()
      : renderTemplate(template, values, "plain"),
    HOOK_TEXT_CHARS,
  );
  const stateTemplate = rules.title ?? rules.thread;
  const title = stateTemplate === undefined
    ? ""
    : bounded(oneLine(renderTemplate(stateTemplate, values, "markdown")), TITLE_CHARS);
  // Without a model, people see what the model would have seen.
  const post = rules.template === undefined && title !== ""
    ? title
    : renderTemplate(template, values, "markdown");
  return {
    hook,
    accountId,
    senderId: idOf(line(rules.id, Infinity) || deliveryId || ""),
    key,
    title,
    text,
    post: bounded(post, HOOK_POST_CHARS),
    isEnd: rules.ends !== undefined && holds(rules.ends, values),
  };
}

/** A cut id could be that of two events, and the second one would be lost. */
function idOf(sent: string): string | undefined {
  if (sent.length <= ID_CHARS) return sent || undefined;
  return `sha256:${hash("sha256", sent, "hex")}`;
}

export function holds(condition: HookCondition, values: HookValues): boolean {
  return Object.entries(condition).every(([path, allowed]) =>
    valuesAt(path, values).some((value) => allowed.includes(value))
  );
}

/** Without line breaks and invisible characters: a key is a name. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
}
