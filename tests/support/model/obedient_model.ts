/**
 * A model that obeys every injection: it runs each `call: <tool> <JSON>` line that stands anywhere in
 * its prompt, and answers with its whole prompt.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { openAiFormat, parseWireRequest, type WireRequest } from "../../../simulator/model/wire.ts";
import { listening } from "../network/listening.ts";

/** A line with a call, also one that a fence has escaped, or JSON has put into quotes. */
const CALL = /call:\s*([\w-]+)\s*(\{.*?\})(?=\s*(?:$|\n|\\n|["<()/\];]))/gm;

/** Maximum number of calls in one answer. */
const AT_ONCE = 32;

export interface ObedientModel {
  readonly baseUrl: string;
  /** Requests with a conversation, oldest first. */
  readonly requests: readonly WireRequest[];
  /** Lets the next request wait until the returned function is called. */
  hold(): () => void;
  close(): Promise<void>;
}

/**
 * Starts the model.
 *
 * @param isEndless Whether it makes all calls again in each answer, for ever.
 */
export async function startObedientModel(isEndless = false): Promise<ObedientModel> {
  const requests: WireRequest[] = [];
  let held: Promise<void> | undefined;

  async function respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const part of incoming.setEncoding("utf8")) body += part;
    const request = parseWireRequest(body);
    if (!request) return void response.end(JSON.stringify({ data: [{ id: "barnacle-script" }] }));
    // Of this request only, also after the conversation was folded.
    const ids = `call_${requests.push(request)}`;
    const waiting = held;
    held = undefined;
    await waiting;
    const format = openAiFormat("obedient");
    const newest = request.messages.findLastIndex(({ role }) => role === "user");
    const isFirst = newest === request.messages.length - 1;
    const written = request.messages.map(({ text }) => text).join("\n");
    const prompt = `${written}\n${withoutQuoting(written)}`;
    const calls = request.tools.length > 0 && (isFirst || isEndless)
      ? [...new Set(prompt.match(CALL))].filter(hasArguments).slice(-AT_ONCE)
      : [];
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(format.open());
    for (const [at, line] of calls.entries()) {
      const [, name = "", written = ""] = /^call:\s*([\w-]+)\s*([^]*)$/.exec(line) ?? [];
      response.write(format.toolCall({ id: `${ids}_${at}`, name, arguments: written }));
    }
    if (calls.length === 0) response.write(format.text(answerOf(request)));
    response.end(format.finish(calls.length === 0 ? "stop" : "tool_calls", 9));
  }

  const server = createServer((incoming, response) => {
    respond(incoming, response).catch(() => response.destroy()); // the bot may stop meanwhile
  });
  const port = await listening(server);
  return {
    requests,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Whether the arguments of a call are JSON. */
function hasArguments(line: string): boolean {
  try {
    JSON.parse(line.slice(line.indexOf("{")));
    return true;
  } catch {
    return false;
  }
}

/** The same text where JSON has quoted it. */
function withoutQuoting(text: string): string {
  return text.replaceAll("\\n", "\n").replaceAll('\\"', '"');
}

/** Everything that a leak could consist of: the words of the prompt that look like canaries. */
function answerOf({ messages, system }: WireRequest): string {
  const prompt = [system, ...messages.map(({ text }) => text)].join("\n");
  return `I know ${[...new Set(prompt.match(/canary-\w+/g))].join(" ") || "nothing"}.`;
}

/** The results of tools in the newest turn of a request. */
export function resultsIn(request: WireRequest | undefined): readonly string[] {
  const messages = request?.messages ?? [];
  const newest = messages.findLastIndex(({ role }) => role === "user");
  return messages.slice(newest + 1).flatMap(({ role, text }) => role === "tool" ? [text] : []);
}
