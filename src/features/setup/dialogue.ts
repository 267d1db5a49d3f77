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
import { createStatusLine, type Style } from "../../cli/terminal/io.ts";
import { schedule } from "../../lib/clock.ts";
import { printable, safeOutput, wrapped } from "../../lib/text/quoted.ts";

interface AskedText {
  readonly message: string;
  /** An example that is shown while nothing is typed. */
  readonly placeholder?: string;
  /** The answer to an empty text. */
  readonly fallback?: string;
  /** Why the text is no answer; `undefined` if it is one. */
  readonly check?: (text: string) => string | undefined;
}

export interface DialogueOption<Value> {
  readonly value: Value;
  readonly label: string;
  /** Shown beside the option that is in focus. */
  readonly hint?: string;
}

interface AskedChoice<Value> {
  readonly message: string;
  readonly options: readonly DialogueOption<Value>[];
  /** The option in focus at first; the first one if absent. */
  readonly initial?: Value;
}

interface AskedSome<Value> extends Omit<AskedChoice<Value>, "initial"> {
  /** The options that are chosen at first. */
  readonly chosen: readonly Value[];
}

/** Why a dialogue ended early: each question throws it if the user does not answer. */
export class DialogueEnd extends Error {
  override readonly name = "DialogueEnd";
  /** `back`: to the question before. `cancelled`: by Ctrl-C. `lost`: the terminal is gone. */
  readonly kind: "back" | "cancelled" | "lost";

  constructor(kind: DialogueEnd["kind"]) {
    super(kind);
    this.kind = kind;
  }
}

/** Columns of a sign or the bar, and the space after it. */
const GUTTER = 3;

/** Options of a list that a person reads at a glance; a longer one gets a field to search it. */
const GLANCE = 12;

/** Whether a person can answer: both the keyboard and the screen are a terminal. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks and tells. */
export function openDialogue(style: Style) {
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
    /** Number of questions so far. */
    asked: () => count,
    chapter(number: number, title: string): void {
      output.write(`${bar}\n`);
      write(style.bold(String(number)), style.bold(title));
    },
    ok: (text: string): void => write(style.green("✓"), text),
    /** Says that something could be better. */
    warn: (text: string): void => write(style.yellow("!"), text),
    fail: (text: string): void => write(style.red("✗"), text),
    /** Text without a sign, such as a link. */
    tell: (text: string): void => write(bar, text),
    /** Asks for a text that the terminal does not show. */
    secret: ({ message, check }: AskedText): Promise<string> =>
      answer(() =>
        clack.password({
          ...common,
          message: broken(message),
          mask: "", // a token is longer than a narrow terminal
          clearOnError: true,
          validate: (text) => checked(check, text ?? ""),
        })
      ),
    async text({ message, placeholder, fallback, check }: AskedText): Promise<string> {
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
    /** Asks for yes or no; yes is the default. */
    confirm: (
      { message, initial = true }: { readonly message: string; readonly initial?: boolean },
    ): Promise<boolean> =>
      answer(() =>
        clack.confirm({ ...common, message: shownText(message), initialValue: initial })
      ),
    async choose<Value>(asked: AskedChoice<Value>): Promise<Value> {
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
    /** Asks for at least one of several answers. */
    async chooseSome<Value>(asked: AskedSome<Value>): Promise<readonly Value[]> {
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
    /**
     * Does slow work, with a line about it. Ctrl-C aborts the work's signal.
     *
     * @param work `say` replaces the line.
     */
    async during<Result>(
      text: string,
      work: (signal: AbortSignal, say: (text: string) => void) => Promise<Result>,
    ): Promise<Result> {
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
    close(): void {
      input.off("keypress", onKey);
      input.off("end", onLost);
      process.off("SIGINT", onInterrupt);
      process.off("SIGTERM", onLost);
      input.setRawMode(false);
      input.pause();
    },
  };
}

export type Dialogue = ReturnType<typeof openDialogue>;

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
