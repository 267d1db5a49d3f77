/**
 * The port through which a setup talks to its user. `terminal.ts` asks on a terminal. Without one, the
 * questions have answers before they are asked, or the setup ends.
 */

import { EXIT, StartError } from "../../../cli/shared/exit_code.ts";
import type { Io } from "../../../cli/terminal/io.ts";

/** The name of an answer, in the file of answers and in messages. */
export type QuestionKey =
  | "tokenFile"
  | "intents"
  | "server"
  | "channels"
  | "owner"
  | "model"
  | "baseUrl"
  | "apiKeyFile"
  | "pull"
  | "dailyLimit"
  | "prices"
  | "write"
  | "start";

export interface Asked {
  /** The answer that would have made the question unnecessary. */
  readonly key: QuestionKey;
  readonly message: string;
}

export interface AskedText extends Asked {
  /** An example that is shown while nothing is typed. */
  readonly placeholder?: string;
  /** The answer to an empty text; `--yes` takes it. */
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

export interface AskedChoice<Value> extends Asked {
  readonly options: readonly DialogueOption<Value>[];
  /** The option in focus at first; the first one if absent. `--yes` takes it. */
  readonly initial?: Value;
}

/** Why a dialogue ended early. */
export class DialogueEnd extends Error {
  override readonly name = "DialogueEnd";
  /** `back`: to the question before. `cancelled`: by Ctrl-C. `lost`: the terminal is gone. */
  readonly kind: "back" | "cancelled" | "lost";

  constructor(kind: DialogueEnd["kind"]) {
    super(kind);
    this.kind = kind;
  }
}

/** Asks and tells. Each question throws a {@link DialogueEnd} if the user does not answer it. */
export interface Dialogue {
  readonly isInteractive: boolean;
  /** Number of questions that a person was asked so far. */
  asked(): number;
  chapter(number: number, title: string): void;
  ok(text: string): void;
  /** Says that something could be better. */
  warn(text: string): void;
  fail(text: string): void;
  /** Text without a sign, such as a link. */
  tell(text: string): void;
  /** Asks for a text that the terminal does not show. */
  secret(asked: AskedText): Promise<string>;
  text(asked: AskedText): Promise<string>;
  /** Asks for yes or no; yes is the default. */
  confirm(asked: Asked & { readonly initial?: boolean }): Promise<boolean>;
  choose<Value>(asked: AskedChoice<Value>): Promise<Value>;
  /** Asks for at least one of several answers. */
  chooseSome<Value>(asked: AskedChoice<Value>): Promise<readonly Value[]>;
  /**
   * Does slow work, with a line about it. Ctrl-C aborts the work's signal.
   *
   * @param work `say` replaces the line.
   */
  during<Result>(
    text: string,
    work: (signal: AbortSignal, say: (text: string) => void) => Promise<Result>,
  ): Promise<Result>;
  close(): void;
}

/** Options of the command line, by the name of their answer. */
const OPTIONS: Readonly<Partial<Record<QuestionKey, string>>> = {
  tokenFile: "--token-file, or DISCORD_BOT_TOKEN in the environment",
  intents: "--yes",
  server: "--server",
  channels: "--channels",
  owner: "--owner",
  model: "--model",
  dailyLimit: "--daily-limit",
  write: "--yes",
};

/**
 * Creates the dialogue of a setup without a terminal.
 *
 * @param acceptsDefaults Whether each question has its default as answer (`--yes`).
 */
export function unattendedDialogue(
  { err }: Pick<Io, "err">,
  acceptsDefaults: boolean,
): Dialogue {
  const answered = <Value>(asked: Asked, value: Value | undefined): Promise<Value> => {
    if (acceptsDefaults && value !== undefined) return Promise.resolve(value);
    const option = OPTIONS[asked.key];
    return Promise.reject(
      new StartError(
        `no terminal to ask "${asked.message}"; give ${
          option === undefined ? "" : `${option}, or `
        }"${asked.key}" in the file of --answers`,
        EXIT.usage,
      ),
    );
  };
  return {
    isInteractive: false,
    asked: () => 0,
    chapter() {},
    ok: (text) => err(`ok    ${text}`),
    warn: (text) => err(`warn  ${text}`),
    fail: (text) => err(`fail  ${text}`),
    tell: (text) => err(text),
    secret: (asked) => answered(asked, asked.fallback),
    text: (asked) => answered(asked, asked.fallback),
    confirm: (asked) => answered(asked, true),
    choose: (asked) => answered(asked, asked.initial ?? asked.options[0]?.value),
    chooseSome(asked) {
      const first = asked.initial ?? asked.options[0]?.value;
      return answered(asked, first === undefined ? undefined : [first]);
    },
    during: (_text, work) => work(new AbortController().signal, () => {}),
    close() {},
  };
}
