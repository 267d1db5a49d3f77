/**
 * Asks the questions of a setup on the terminal.
 *
 * All of it goes to stderr, so that stdout has the result alone. Ctrl-C ends the setup, and Escape goes
 * back to the question before. The prompts take both for one key, so this module looks at the key.
 *
 * The terminal stays in raw mode between two questions: it would show a token that is pasted too early.
 * Keys that come then are dropped, except for Ctrl-C.
 */

import * as clack from "@clack/prompts";
import process from "node:process";
import { emitKeypressEvents } from "node:readline";
import { schedule } from "../../../lib/clock.ts";
import { printable, safeOutput, wrapped } from "../../../lib/text/quoted.ts";
import { createStatusLine } from "../../../cli/terminal/io.ts";
import type { Style } from "../../../cli/terminal/io.ts";
import { type AskedChoice, type AskedText, type Dialogue, DialogueEnd } from "./dialogue.ts";

/** Columns of a sign or the bar, and the space after it. */
const GUTTER = 3;

/** Options of a list that a person reads at a glance; a longer one gets a field to search it. */
const GLANCE = 12;

/** Whether a person can answer: both the keyboard and the screen are a terminal. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

export function terminalDialogue(style: Style): Dialogue {
  const { stdin: input, stderr: output } = process;
  const lost = new AbortController();
  let lastKey: string | undefined;
  let count = 0;
  let isAsking = false;
  let isInterrupted = false;
  let interrupt = () => {};
  const onInterrupt = () => {
    isInterrupted = true;
    interrupt();
  };
  const onKey = (
    _text: string | undefined,
    key: { readonly name?: string; readonly ctrl?: boolean } | undefined,
  ) => {
    lastKey = key?.name;
    if (!isAsking && key?.ctrl && key.name === "c") onInterrupt();
  };
  const onLost = () => lost.abort();
  const listen = () => {
    input.setRawMode(true);
    input.resume();
  };
  emitKeypressEvents(input);
  input.on("keypress", onKey);
  input.once("end", onLost);
  process.on("SIGINT", onInterrupt);
  process.once("SIGTERM", onLost);
  listen();
  const status = createStatusLine(output, schedule);
  const common = { input, output, signal: lost.signal };
  const bar = style.dim("│");
  /** Breaks a text between words, so that each line stands right of the bar. */
  const linesOf = (text: string) =>
    text.split("\n").flatMap((line) => wrapped(line, (output.columns || 80) - GUTTER));
  const write = (sign: string, text: string) => {
    status.erase();
    for (const [index, line] of linesOf(safeOutput(text)).entries()) {
      output.write(`${index === 0 ? sign : bar}  ${line}\n`);
    }
  };
  /** The message of a prompt that does not break it itself. */
  const broken = (message: string) => linesOf(shownText(message)).join(`\n${bar}  `);
  /** Why a typed text is no answer. */
  const checked = (check: AskedText["check"], text: string): string | undefined => {
    const why = check?.(text);
    return why === undefined ? undefined : linesOf(shownText(why)).join("\n   ");
  };

  async function answer<Value>(
    ask: () => Promise<Value | typeof clack.CANCEL_SYMBOL>,
  ): Promise<Value> {
    if (isInterrupted) throw new DialogueEnd("cancelled");
    count += 1;
    lastKey = undefined;
    isAsking = true;
    const value = await ask();
    isAsking = false;
    listen();
    if (value !== clack.CANCEL_SYMBOL) return value;
    if (lost.signal.aborted) throw new DialogueEnd("lost");
    throw new DialogueEnd(lastKey === "escape" ? "back" : "cancelled");
  }

  return {
    asked: () => count,
    chapter(number, title) {
      output.write(`${bar}\n`);
      write(style.bold(String(number)), style.bold(title));
    },
    ok: (text) => write(style.green("✓"), text),
    warn: (text) => write(style.yellow("!"), text),
    fail: (text) => write(style.red("✗"), text),
    tell: (text) => write(bar, text),
    secret: ({ message, check }) =>
      answer(() =>
        clack.password({
          ...common,
          message: broken(message),
          mask: "", // a token is longer than a narrow terminal
          clearOnError: true,
          validate: (text) => checked(check, text ?? ""),
        })
      ),
    async text({ message, placeholder, fallback, check }) {
      const given = await answer(() =>
        clack.text({
          ...common,
          message: broken(message),
          placeholder: shownText(placeholder ?? fallback ?? ""),
          validate: (text) => checked(check, text?.trim() || (fallback ?? "")),
        })
      );
      return given.trim() || (fallback ?? "");
    },
    confirm: ({ message, initial = true }) =>
      answer(() =>
        clack.confirm({ ...common, message: shownText(message), initialValue: initial })
      ),
    async choose(asked) {
      const { options, initial } = asked;
      const isLong = options.length > GLANCE;
      const message = isLong ? broken(asked.message) : shownText(asked.message);
      const shown = numbered(asked.options);
      const start = Math.max(0, options.findIndex(({ value }) => value === initial));
      const at = await answer(() =>
        isLong
          ? clack.autocomplete({
            ...common,
            message,
            options: shown,
            initialValue: start,
            maxItems: GLANCE,
            placeholder: "type to search",
          })
          : clack.select({ ...common, message, options: shown, initialValue: start })
      );
      const chosen = options[at];
      if (!chosen) throw new RangeError("The prompt returned an option that it does not have");
      return chosen.value;
    },
    async chooseSome(asked) {
      const { options } = asked;
      const isLong = options.length > GLANCE;
      const message = isLong ? broken(asked.message) : shownText(asked.message);
      const shown = numbered(asked.options);
      const initialValues = [...options.keys()].filter((at) =>
        asked.chosen.some((one) => one === options[at]?.value)
      );
      const chosen = await answer(() =>
        isLong
          ? clack.autocompleteMultiselect({
            ...common,
            message,
            options: shown,
            initialValues,
            required: true,
            maxItems: GLANCE,
            placeholder: "type to search, Tab selects",
          })
          : clack.multiselect({ ...common, message, options: shown, initialValues, required: true })
      );
      return options.filter((_option, index) => chosen.includes(index)).map(({ value }) => value);
    },
    async during(text, work) {
      const stopped = new AbortController();
      const { promise: ended, reject } = Promise.withResolvers<never>();
      const stop = (kind: DialogueEnd["kind"]) => {
        stopped.abort();
        reject(new DialogueEnd(kind));
      };
      interrupt = () => stop("cancelled");
      if (isInterrupted) interrupt();
      const onEnd = () => stop("lost");
      lost.signal.addEventListener("abort", onEnd, { once: true });
      const line = { text };
      const working = work(stopped.signal, (next) => void (line.text = next));
      try {
        return await status.during(() => line.text, Promise.race([working, ended]));
      } finally {
        interrupt = () => {};
        lost.signal.removeEventListener("abort", onEnd);
        working.catch(() => {}); // the user no longer waits for it
      }
    },
    close() {
      input.off("keypress", onKey);
      input.off("end", onLost);
      process.off("SIGINT", onInterrupt);
      process.off("SIGTERM", onLost);
      input.setRawMode(false);
      input.pause();
    },
  };
}

/** Options whose values are their places: the prompts compare values by identity. */
function numbered<Value>(options: AskedChoice<Value>["options"]) {
  return options.map(({ label, hint }, value) => ({
    value,
    label: shownText(label),
    hint: hint === undefined ? undefined : shownText(hint),
  }));
}

/** Longest text of a question or an option; a name of a foreign server may be longer. */
const SHOWN_MAX = 300;

/** A text of a prompt, on one line. */
function shownText(text: string): string {
  return printable(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text);
}
