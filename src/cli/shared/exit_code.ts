/**
 * The exit codes of all commands (O7). Help texts and `docs/commands.md` derive from this list.
 *
 * The numbers follow sysexits, so that a supervisor knows when a restart helps: it should not
 * restart on `refused` and `config`.
 */

/** Exit codes by name, in ascending order. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  partly: 3,
  unreachable: 69,
  io: 74,
  tryAgain: 75,
  refused: 77,
  config: 78,
} as const;

export type ExitName = keyof typeof EXIT;

export type ExitCode = (typeof EXIT)[ExitName];

/** General meaning of each exit code; a command may be more specific in its help. */
const EXIT_MEANINGS: Readonly<Record<ExitName, string>> = {
  done: "success",
  failed: "failure",
  usage: "invalid command line",
  partly: "warnings only, or incomplete",
  unreachable: "the model cannot be reached",
  io: "disk or database error",
  tryAgain: "temporary problem, such as another instance",
  refused: "bot token or intents rejected by Discord",
  config: "invalid config",
};

/** Exit codes of one command: `true` for the general meaning, or its own words. */
export type Exits = Readonly<Partial<Record<ExitName, string | true>>>;

/** Lists a command's exit codes, in ascending order. Each command has `done` and `usage`. */
export function exitRows(exits: Exits): readonly (readonly [code: number, meaning: string])[] {
  const all: Exits = { done: true, usage: true, ...exits };
  const rows: (readonly [number, string])[] = [];
  for (const name of Object.keys(EXIT)) {
    const meaning = isExitName(name) && all[name];
    if (meaning) rows.push([EXIT[name], meaning === true ? EXIT_MEANINGS[name] : meaning]);
  }
  return rows;
}

/** The general meaning of an exit code; `undefined` if Barnacle has no such code. */
export function meaningOf(code: number): string | undefined {
  return exitRows(EXIT_MEANINGS).find(([number]) => number === code)?.[1];
}

function isExitName(name: string): name is ExitName {
  return name in EXIT;
}

/** A problem that ends a command, with its exit code. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly code: ExitCode;

  /**
   * Creates the error.
   *
   * @param message One line: the problem and its fix.
   */
  constructor(message: string, code: ExitCode, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
