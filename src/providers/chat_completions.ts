/**
 * Asks OpenAI-compatible servers for chat completions.
 *
 * Does not use a library, because one for all providers costs more CPU time than the rest of a
 * turn.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type {
  ModelImage,
  ModelMessage,
  ModelRequest,
  ToolCall,
  ToolDefinition,
} from "../core/model.ts";
import { type Ask, type AskDeps, createWire } from "./wire.ts";
import { idFormOf, withIdsOf } from "./call_ids.ts";
import { createChatAnswerReader } from "./chat_answer.ts";
import {
  endpointOf,
  modelIdOf,
  type ModelSettings,
  secretsOf,
  sessionHeaderOf,
} from "./settings.ts";
import { argumentsOf, nameOf } from "./answer_parts.ts";
import { EFFORTS } from "./thinking.ts";

/** Milliseconds to wait for token counts and the end of a stream that has given its reason. */
const LAST_CHUNK_MS = 1_000;

const STREAMED = { stream: true, stream_options: { include_usage: true } };

/** Creates the `Ask` of one model. */
export function createChatAsk(settings: ModelSettings, deps: AskDeps): Ask {
  const { provider, name, maxOutputTokens } = settings;
  const modelId = modelIdOf(settings);
  const secrets = secretsOf(provider);
  const url = `${endpointOf(provider)}/chat/completions`;
  const headers: Record<string, string> = {
    "content-type": "application/json",
    ...(provider.apiKey !== undefined && { authorization: `Bearer ${provider.apiKey}` }),
  };
  for (const [header, value] of Object.entries(provider.headers ?? {})) {
    // In place of ours, because `fetch` joins two values into one header.
    headers[header.toLowerCase()] = value;
  }
  const form = idFormOf(settings);
  const options = JSON.stringify({ model: name, max_tokens: maxOutputTokens, ...STREAMED });

  return async function* (request, signal) {
    signal.throwIfAborted();
    const wire = createWire({ ...deps, modelId, secrets }, signal);
    try {
      const head = options.slice(0, -1) + effortOf(request) + toolsOf(request);
      const messages = form ? withIdsOf(form, request.messages) : request.messages;
      const body = `${head},"messages":[${messagesOf({ ...request, messages })}]}`;
      const { name: field, value } = sessionHeaderOf(provider, request) ?? {};
      const all = field === undefined ? headers : { ...headers, [field]: value ?? "" };
      await wire.send(url, { method: "POST", headers: all, body });
      const answer = createChatAnswerReader(modelId, secrets);
      const { showsThinking } = request;
      while (!answer.isOver()) {
        const bytes = await wire.read().catch((error) => {
          if (signal.aborted || !answer.hasEnded()) throw error;
          return undefined; // only token counts are missing
        });
        const text = answer.read(bytes);
        const thinking = answer.thinking();
        if (showsThinking && thinking !== "") yield { kind: "thinking", text: thinking };
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

/** The level of thinking, as a further field; empty without one. */
function effortOf({ thinking }: ModelRequest): string {
  return thinking === undefined ? "" : `,"reasoning_effort":"${EFFORTS[thinking]}"`;
}

/** The JSON of the tools, as a further field; empty without tools. */
function toolsOf({ tools, mayCall = true }: ModelRequest): string {
  if (!tools || tools.length === 0) return "";
  let json = jsonByTools.get(tools);
  if (json === undefined) {
    const functions = tools.map((tool) => ({ type: "function", function: tool }));
    json = `,"tools":${JSON.stringify(functions)}`;
    jsonByTools.set(tools, json);
  }
  return mayCall ? json : `${json},"tool_choice":"none"`;
}

/** The JSON of the messages. `JSON.stringify` of the whole list takes twice as long. */
function messagesOf({ system, messages }: ModelRequest): string {
  let list = system === "" ? "" : systemJson(system);
  for (const message of messages) {
    let json = jsonByMessage.get(message);
    if (json === undefined) {
      json = jsonOf(message);
      jsonByMessage.set(message, json);
    }
    list += list === "" ? json : `,${json}`;
  }
  return list;
}

/** The last system prompt and its JSON: most turns have the same one. */
let lastSystem = { text: "", json: "" };

function systemJson(text: string): string {
  if (text !== lastSystem.text) lastSystem = { text, json: contentJson("system", text) };
  return lastSystem.json;
}

/** JSON of messages and tools, because most of a session's are part of many requests. */
const jsonByMessage = new WeakMap<ModelMessage, string>();
const jsonByTools = new WeakMap<readonly ToolDefinition[], string>();

function jsonOf(message: ModelMessage): string {
  switch (message.role) {
    case "user":
      return message.images ? imagesJson(message.text, message.images) : contentJson(
        message.role,
        message.text,
      );
    case "assistant":
      return message.calls ? callsJson(message.text, message.calls) : contentJson(
        message.role,
        message.text,
      );
    case "tool":
      return JSON.stringify({
        role: "tool",
        tool_call_id: message.call.id,
        content: message.text,
      });
  }
}

function contentJson(role: string, text: string): string {
  return `{"role":"${role}","content":${JSON.stringify(text)}}`;
}

function imagesJson(text: string, images: readonly ModelImage[]): string {
  const content = [
    ...(text === "" ? [] : [{ type: "text", text }]),
    ...images.map(({ mediaType, data }) => {
      const { buffer, byteOffset, byteLength } = data;
      const base64 = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
      return { type: "image_url", image_url: { url: `data:${mediaType};base64,${base64}` } };
    }),
  ];
  return JSON.stringify({ role: "user", content });
}

function callsJson(text: string, calls: readonly ToolCall[]): string {
  return JSON.stringify({
    role: "assistant",
    content: text === "" ? null : text,
    tool_calls: calls.map((call) => ({
      id: call.id,
      type: "function",
      function: { name: nameOf(call), arguments: JSON.stringify(argumentsOf(call)) },
    })),
  });
}
