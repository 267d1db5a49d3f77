/**
 * Asks OpenAI-compatible servers for chat completions.
 *
 * Does not use a library, because one for all providers costs more CPU time than the rest of a
 * turn.
 *
 * @module
 */

import type { ModelMessage, ModelRequest } from "../core/model.ts";
import type { Ask, AskDeps } from "./ask.ts";
import { createChatAnswerReader } from "./chat_answer.ts";
import { endpointOf, modelIdOf, type ModelSettings, secretsOf } from "./settings.ts";
import { createWire } from "./wire.ts";

/** Milliseconds to wait for token counts and the end of a stream that has given its reason. */
const LAST_CHUNK_MS = 1_000;

const STREAMED = { stream: true, stream_options: { include_usage: true } };

/** Creates the `Ask` of one model. */
export function createChatAsk(settings: ModelSettings, deps: AskDeps): Ask {
  const { provider, name, maxOutputTokens } = settings;
  const modelId = modelIdOf(settings);
  const secrets = secretsOf(provider);
  const url = `${endpointOf(provider.baseUrl)}/chat/completions`;
  const headers: Record<string, string> = {
    "content-type": "application/json",
    ...(provider.apiKey !== undefined && { authorization: `Bearer ${provider.apiKey}` }),
  };
  for (const [header, value] of Object.entries(provider.headers ?? {})) {
    // In place of ours, because `fetch` joins two values into one header.
    headers[header.toLowerCase()] = value;
  }
  const options = JSON.stringify({ model: name, max_tokens: maxOutputTokens, ...STREAMED });

  return async function* (request, signal) {
    signal.throwIfAborted();
    const wire = createWire({ ...deps, modelId, secrets }, signal);
    try {
      const body = `${options.slice(0, -1)},"messages":[${messagesOf(request)}]}`;
      await wire.send(url, { method: "POST", headers, body });
      const answer = createChatAnswerReader(modelId, secrets);
      while (!answer.isOver()) {
        const bytes = await wire.read().catch((error) => {
          if (signal.aborted || !answer.hasEnded()) throw error;
          return undefined; // only token counts are missing
        });
        const text = answer.read(bytes);
        if (text !== "") yield { kind: "text", text };
        signal.throwIfAborted();
        if (answer.hasEnded()) wire.shortenTimeout(LAST_CHUNK_MS);
      }
      const finish = answer.finish();
      wire.release();
      yield finish;
    } finally {
      wire.close();
    }
  };
}

/** The JSON of the messages. `JSON.stringify` of the whole list takes twice as long. */
function messagesOf({ system, messages }: ModelRequest): string {
  const texts = messages.map((message) => {
    const cached = jsonByMessage.get(message);
    if (cached !== undefined) return cached;
    const fresh = jsonOf(message.role, message.text);
    jsonByMessage.set(message, fresh);
    return fresh;
  });
  return system === "" ? texts.join() : [jsonOf("system", system), ...texts].join();
}

/** JSON of messages, because most messages of a session are part of many requests. */
const jsonByMessage = new WeakMap<ModelMessage, string>();

function jsonOf(role: string, text: string): string {
  return `{"role":"${role}","content":${JSON.stringify(text)}}`;
}
