/**
 * Gives the tool calls of a conversation ids that its next server accepts.
 *
 * A transcript may have ids of other servers, because a fallback or another model of the config
 * continues the conversation. Servers differ: Mistral wants nine letters or digits, OpenAI at most
 * 40 characters, Anthropic few kinds of characters and no id twice.
 *
 * The new ids depend only on the old ones and their order. So the beginning of a conversation stays
 * the same from request to request, as a server's cache needs it.
 */

import type { ModelMessage, ToolCall } from "../core/model.ts";
import type { ModelSettings } from "./settings.ts";

interface IdForm {
  readonly fits: (id: string) => boolean;
  readonly toFit: (id: string) => string;
}

const SHORT_LENGTH = 9;
/** Maximum length of OpenAI's ids. */
const OPENAI_MAX = 40;

/** Mistral's models are also served by others, whose chat templates check the ids as well. */
const MISTRAL = /(?:mi|mini|magi)stral|mixtral|pixtral|devstral|codestral|voxtral/i;

/** The form for a model; `undefined` if its server accepts any id. */
export function idFormOf({ provider, name }: ModelSettings): IdForm | undefined {
  if (provider.kind === "anthropic") return ANTHROPIC;
  if (provider.kind === "openai-responses") return OPENAI;
  if (provider.kind === "google") return undefined;
  const host = URL.canParse(provider.baseUrl) ? new URL(provider.baseUrl).hostname : "";
  if (MISTRAL.test(name) || /(?:^|\.)mistral\.ai$/.test(host)) return SHORT;
  return /(?:^|\.)openai\.(?:azure\.)?com$/.test(host) ? OPENAI : undefined;
}

const SHORT: IdForm = { fits: (id) => /^[A-Za-z0-9]{9}$/.test(id), toFit: shortIdOf };

const OPENAI: IdForm = {
  fits: (id) => id.length <= OPENAI_MAX,
  toFit: (id) => `call_${shortIdOf(id)}`,
};

const ANTHROPIC: IdForm = {
  fits: (id) => /^[\w-]+$/.test(id),
  toFit: (id) => id.replace(/[^\w-]/g, "_") || "call",
};

/**
 * Returns a conversation in which each call's id has a form, and no id is there twice. Messages
 * without a changed id stay the same objects.
 */
export function withIdsOf(
  form: IdForm,
  messages: readonly ModelMessage[],
): readonly ModelMessage[] {
  const used = new Set<string>();
  let renamed = new Map<string, ToolCall>(); // calls of the newest answer
  const rename = (call: ToolCall): ToolCall => {
    const plain = form.fits(call.id) ? call.id : form.toFit(call.id);
    let id = plain;
    for (let at = 2; used.has(id); at++) {
      id = `${plain}_${at}`;
      if (!form.fits(id)) id = form.toFit(id);
    }
    used.add(id);
    const mine = id === call.id ? call : { ...call, id };
    renamed.set(call.id, mine);
    return mine;
  };
  return messages.map((message) => {
    switch (message.role) {
      case "user":
        return message;
      case "assistant": {
        const { calls } = message;
        if (!calls) return message;
        renamed = new Map();
        const mine = calls.map(rename);
        return mine.every((call, at) => call === calls[at]) ? message : { ...message, calls: mine };
      }
      case "tool": {
        const call = renamed.get(message.call.id) ?? message.call;
        return call === message.call ? message : { ...message, call };
      }
    }
  });
}

/** Nine letters and digits, computed from an id. Not for secrets: two ids may get the same. */
function shortIdOf(id: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  const text = (high >>> 0).toString(36) + (low >>> 0).toString(36).padStart(7, "0");
  return text.slice(-SHORT_LENGTH).padStart(SHORT_LENGTH, "0");
}
