/** Parts of requests that a server refuses, in words and as a way to leave each out (L3). */

import { createHash } from "node:crypto";
import { imagesOf, withoutImages, withoutTools } from "../../core/fit_request.ts";
import type { ModelImage, ModelMessage, ModelRequest, ToolDefinition } from "../../core/model.ts";
import type { ThinkLevel } from "../../core/people/chosen.ts";
import { withoutCarried } from "../carried/carried.ts";
import { withoutThinking } from "../thinking.ts";

export interface Lesson {
  /** The part, as the end of a sentence: "the field `store`". */
  readonly part: string;
  /** The operator's next step, in the imperative; absent for pictures, which concern one person. */
  readonly fix?: string;
  /** The whole ability that it is about; absent for a single part. */
  readonly ability?: "tools" | "images" | ThinkLevel;
  /** Whether the server is asked again after some time: it may start anew, or its words mislead. */
  readonly isUnsure?: true;
  /** Whether it is about the fields that go back with answers. */
  readonly isCarried?: true;
  /** Whether it is for one request, because nothing proves it. */
  readonly isForNow?: true;
  /** A lesson of the same request that was wrong. */
  readonly instead?: Lesson;
  /** Makes the same request without the part. */
  readonly without: (request: ModelRequest) => ModelRequest;
}

/** A field of the body. `name` replaces it if it is there. */
export function fieldLesson(field: string, name?: string): Lesson {
  return {
    part: `the field \`${field}\``,
    fix: "add it to `omit` of the provider, so that no request has it",
    without: omitting([[field, name]]),
  };
}

function omitting(fields: readonly (readonly [string, string | undefined])[]): Lesson["without"] {
  return (request) => ({ ...request, omit: new Map([...request.omit ?? [], ...fields]) });
}

/** Streams of answers, which OpenAI has for verified organizations alone. */
export const STREAM_LESSON: Lesson = {
  part: "streams of answers",
  fix: "add `stream` and `stream_options` to `omit` of the provider",
  without: omitting([["stream", undefined], ["stream_options", undefined]]),
};

export const CHAT_LESSON: Lesson = {
  part: "chat completions",
  fix: 'set `kind` of the provider to "openai-responses"',
  without: (request) => ({ ...request, byResponses: true }),
};

/** Both of these: the server has no Responses API, and takes tools with thinking turned off. */
export const OFF_LESSON: Lesson = {
  part: "thinking with tools",
  fix: 'set `kind` of the provider to "openai-responses" if the server has that API',
  instead: CHAT_LESSON,
  without: (request) => ({
    ...request,
    byResponses: undefined,
    thinking: request.tools ? "off" : request.thinking,
  }),
};

type Tools = readonly ToolDefinition[];

/** Single tools, until their definitions change. */
export function toolLesson(refused: Tools): Lesson {
  const names = refused.map(({ name }) => `\`${name}\``);
  const known = new Set(refused.map((tool) => JSON.stringify(tool)));
  return {
    part: `the ${names.length === 1 ? "tool" : "tools"} ${names.join(", ")}`,
    fix: refused.some(({ name }) => name.startsWith("mcp__"))
      ? "correct the schema at the MCP server, or add the name to `tools.deny`"
      : "add the name to `tools.deny`",
    without: keeping((tools) => tools.filter((tool) => !known.has(JSON.stringify(tool)))),
  };
}

export function keywordLesson(keyword: string): Lesson {
  const written = (key: string, value: unknown) => key === keyword ? undefined : value;
  return {
    part: `the keyword \`${keyword}\` in the schemas of tools`,
    fix: "correct the schemas at the MCP servers, or update the server",
    without: keeping((tools) => JSON.parse(JSON.stringify(tools, written))),
  };
}

/** Rules of chat templates, by the words of their servers. A request that keeps one stays the same. */
export const TEMPLATE_LESSONS: readonly (Lesson & { readonly words: RegExp })[] = [
  {
    words: /\bsystem role\b|\broles must alternate\b/i,
    part: "a system prompt of its own",
    without(request) {
      const { system, messages: [first, ...others] } = request;
      if (first?.role !== "user" || system === "") return request;
      const text = `${system}\n\n${first.text}`;
      return { ...request, system: "", messages: [{ ...first, text }, ...others] };
    },
  },
  {
    words: /\bsingle tool[- ]?calls?\b/i,
    part: "several calls in one answer",
    without(request) {
      let text: string | undefined; // of an answer with several calls
      return withMessages(request, (one) => {
        if (one.role === "assistant") text = (one.calls?.length ?? 0) > 1 ? one.text : undefined;
        if (text === undefined || one.role === "user") return [one];
        if (one.role === "assistant") return [];
        const answer = { role: "assistant", text, calls: [one.call] } as const;
        text = "";
        return [answer, one];
      });
    },
  },
  {
    words: /\bcontent\b.*(?:\bnone\b|\bnull\b|\bvalid string\b)/i,
    part: "calls without a text",
    without: (request) =>
      withMessages(
        request,
        (one) =>
          one.role === "assistant" && one.calls && one.text === ""
            ? [{ ...one, text: " " }]
            : [one],
      ),
  },
];

/** The request with other messages; the same object if none differs. */
function withMessages(
  request: ModelRequest,
  change: (message: ModelMessage) => readonly ModelMessage[],
): ModelRequest {
  const messages = request.messages.flatMap(change);
  const isSame = messages.every((one, at) => one === request.messages[at]);
  return isSame && messages.length === request.messages.length ? request : { ...request, messages };
}

/** All tools beyond the first ones. */
export function countLesson(most: number, refused: Tools): Lesson {
  const over = refused.slice(most).map(({ name }) => `\`${name}\``);
  return {
    part: `the tools beyond the first ${most}: ${over.join(", ")}`,
    fix: "add tools that no one needs to `tools.deny`",
    without: keeping((tools) => tools.slice(0, most)),
  };
}

/** The same tools give the same array, because the bytes of a request are kept by it. */
function keeping(keep: (tools: Tools) => Tools): Lesson["without"] {
  const kept = new WeakMap<Tools, Tools>();
  return (request) => {
    if (!request.tools) return request;
    const tools = kept.get(request.tools) ?? keep(request.tools);
    kept.set(request.tools, tools);
    return tools.length === 0 ? withoutTools(request) : { ...request, tools };
  };
}

/** Single pictures, by their bytes. */
export function pictureLesson(refused: readonly ModelImage[]): Lesson {
  const hashOf = ({ data }: ModelImage) => createHash("sha256").update(data).digest("base64");
  const hashes = new Set(refused.map(hashOf));
  return {
    part: "a picture",
    without: (request) => withoutImages(request, (image) => hashes.has(hashOf(image))),
  };
}

/** All pictures before the newest ones. */
export function olderPictures(most: number): Lesson {
  return {
    part: `more than ${most} pictures`,
    without(request) {
      const newest = new Set(imagesOf(request.messages).slice(-most));
      return withoutImages(request, (image) => !newest.has(image));
    },
  };
}

/** Calls of another model or a workflow, without the fields that the server wants back. */
export const PLAIN_LESSON: Lesson = {
  part: "calls without its own fields",
  isCarried: true,
  without: (request) => ({ ...request, plainCalls: true }),
};

/**
 * Fields that go back with answers.
 *
 * @param isNamed Whether the server has named them.
 * @param beginOf Returns the number of messages that lose them.
 */
export function carriedLesson(
  names: readonly string[],
  isNamed: boolean,
  beginOf: (messages: readonly ModelMessage[]) => number,
): Lesson {
  const all = new Set(names);
  return {
    part: `the fields ${[...all].map((name) => `\`${name}\``).join(", ")} of earlier answers`,
    isCarried: true,
    ...(!isNamed && { isUnsure: true }),
    without: ({ messages, ...request }) => ({
      ...request,
      messages: messages.map((one, at) => at < beginOf(messages) ? withoutCarried(one, all) : one),
    }),
  };
}

export function abilityLesson(ability: "tools" | "images" | ThinkLevel): Lesson {
  const isLevel = ability !== "tools" && ability !== "images";
  return {
    part: isLevel ? `the level of thinking \`${ability}\`` : `all ${ability}`,
    fix: isLevel
      ? "choose another level by `/think`"
      : `correct the server, choose another model, or set \`${ability}\` of the model to false`,
    ability,
    isUnsure: true,
    without: (request) =>
      ability === "images"
        ? withoutImages(request)
        : ability === "tools"
        ? withoutTools(request)
        : request.thinking === ability
        ? withoutThinking(request)
        : request,
  };
}
