/**
 * Runs a tool of a skill: a module whose default function may ask for addresses and for other tools
 * (T7a). Each request goes to the program that has started the sandbox, which decides about it.
 */

import type { MessagePort } from "node:worker_threads";
import type { QuickJSDeferredPromise } from "quickjs-emscripten-core";
import type { ScriptEnd } from "../core/skills/skill.ts";
import type { CodeJob, StartedWork } from "./evaluate.ts";

export interface ToolJob extends Pick<CodeJob, "source" | "timeoutMs"> {
  readonly kind: "tool";
  /** Its name in errors. */
  readonly file: string;
  /** The input as JSON; absent: only the header is read. */
  readonly input?: string;
}

/** Answers a request of a tool; of a rejection, the tool gets the message. */
export type AnswerAsk = (kind: string, args: readonly unknown[]) => Promise<unknown>;

/** Maximum number of requests, and of characters of a request and of a result. */
const MAX_ASKED = 20;
const MAX_ASK = 200_000;
const MAX_RESULT = 20_000;

/** Answers a request that {@link runToolJob} has written. */
export async function answeredLine(line: string, answer: AnswerAsk): Promise<string> {
  const [id, kind, args]: [number, string, string] = JSON.parse(line);
  const reply = await Promise.try(() => answer(kind, JSON.parse(args))).then(
    (value) => ({ value }),
    (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
  );
  return JSON.stringify([id, JSON.stringify(reply)]);
}

/** Runs a tool for the thread that was given a {@link ToolJob}. The thread ends with it. */
export async function runToolJob(given: unknown, port: MessagePort): Promise<ScriptEnd> {
  const { evaluate } = await import("./evaluate.ts");
  const job = given as ToolJob; // only this program starts the thread
  return await evaluate({ ...job, files: {} }, createWork(job, port));
}

function createWork({ source, file, input }: ToolJob, port: MessagePort): StartedWork {
  const waiting = new Map<number, (reply: string) => void>();
  let wake = () => {};
  let asked = 0;
  port.on("message", (line: string) => {
    const [id, reply]: [number, string] = JSON.parse(line);
    waiting.get(id)?.(reply);
    waiting.delete(id);
    wake();
  });
  return {
    file,
    start(context) {
      const ask = context.newFunction("ask", (kind, args) => {
        if (asked === MAX_ASKED) throw new Error(`a call may make at most ${MAX_ASKED} requests`);
        const promise: QuickJSDeferredPromise = context.newPromise();
        waiting.set(++asked, (reply) => promise.resolve(context.newString(reply)));
        port.postMessage(JSON.stringify([asked, context.getString(kind), context.getString(args)]));
        return promise.handle;
      });
      const main = context.unwrapResult(context.evalCode(SET_UP, "set_up.js"));
      const module = context.evalCode(source, file, { type: "module" });
      if (module.error) return module;
      const whole = input === undefined ? context.undefined : context.newString(input);
      return context.callFunction(main, context.undefined, ask, module.value, whole);
    },
    next: (mostMs) =>
      waiting.size === 0 ? undefined : new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, Math.max(0, mostMs) + 1);
      }),
  };
}

/** Runs within the sandbox. Errors are made where the tool asks, so that they have that line. */
const SET_UP = `(() => {
  const { parse, stringify } = JSON;
  const ErrorType = Error;
  const text = String;
  const wish = async (ask, error, kind, args) => {
    const written = stringify(args);
    error.message = "the request has more than ${MAX_ASK} characters";
    if (written.length > ${MAX_ASK}) throw error;
    const reply = parse(await ask(kind, written));
    error.message = reply.error;
    if (reply.error !== undefined) throw error;
    return reply.value;
  };
  return async (ask, module, input) => {
    const fetch = (url, { method, headers, body } = {}) =>
      wish(ask, new ErrorType(), "fetch", [text(url), { method, headers, body }])
        .then(({ body, ...rest }) => ({ ...rest, text: async () => body, json: async () => parse(body) }));
    const call = (tool, given = {}) => wish(ask, new ErrorType(), "call", [text(tool), given]);
    const { tool, default: run } = await module;
    if (tool === undefined || typeof run !== "function") {
      throw new ErrorType("expected \`export const tool = {…}\` and \`export default\` with a function");
    }
    if (input === undefined) return stringify(tool);
    const value = await run(parse(input), { fetch, call });
    const result = typeof value === "string" ? value : stringify(value) ?? "";
    if (result.length > ${MAX_RESULT}) throw new ErrorType("its result has more than ${MAX_RESULT} characters");
    return result;
  };
})()`;
