/** The port through which a setup talks to its user; `terminal.ts` asks on a terminal. */

/** A question. */
export interface Asked {
  readonly message: string;
}

export interface AskedText extends Asked {
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

export interface AskedChoice<Value> extends Asked {
  readonly options: readonly DialogueOption<Value>[];
  /** The option in focus at first; the first one if absent. */
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
  /** Number of questions so far. */
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
  /** Asks for at least one of several answers. @param chosen The options that are chosen at first. */
  chooseSome<Value>(
    asked: Omit<AskedChoice<Value>, "initial"> & { readonly chosen: readonly Value[] },
  ): Promise<readonly Value[]>;
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
