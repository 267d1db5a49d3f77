/**
 * The commands that people may give, and who may give each (K2, K3).
 *
 * One list for slash commands and for those that are text. A text is a command only as a whole: to
 * mention `/status` in a sentence gives none.
 *
 * @module
 */

/** `everybody` who may talk to the bot there; `session`: in a guild, who manages messages. */
export type CommandNeeds = "everybody" | "session" | "owner" | "approver";

/** Who may give a command, and whether words may follow its name (Y: M4, K1). */
export interface CommandKind {
  readonly needs: CommandNeeds;
  readonly takesWords: boolean;
}

/** A text that is a command. */
export interface Command {
  /** As listed, in lower case and without `/`. */
  readonly name: string;
  readonly kind: CommandKind;
  /** What follows the name. */
  readonly words: string;
}

const alone = (needs: CommandNeeds): CommandKind => ({ needs, takesWords: false });
const withWords = (needs: CommandNeeds): CommandKind => ({ needs, takesWords: true });

export const COMMANDS: ReadonlyMap<string, CommandKind> = new Map([
  ["help", alone("everybody")],
  ["commands", alone("everybody")],
  ["status", alone("everybody")],
  ["whoami", alone("everybody")],
  ["usage", withWords("everybody")],
  ["context", withWords("everybody")],
  ["why", withWords("everybody")],
  ["skill", withWords("everybody")],
  ["forget", withWords("everybody")],
  // Whoever may talk may stop their own turn (K3); whose turn it is, the command itself asks.
  ["stop", alone("everybody")],
  ["new", withWords("session")],
  ["reset", withWords("session")],
  ["compact", withWords("session")],
  ["model", withWords("session")],
  ["models", withWords("session")],
  ["think", withWords("session")],
  ["reasoning", withWords("session")],
  ["verbose", withWords("session")],
  ["queue", withWords("session")],
  ["activation", withWords("owner")],
  ["allowlist", withWords("owner")],
  ["config", withWords("owner")],
  ["agents", alone("owner")],
  ["send", withWords("owner")],
  ["pause", alone("owner")],
  ["restart", alone("owner")],
  ["approve", withWords("approver")],
]);

/**
 * The command that a text is: `"/model x"`, `"/Model: x"`, `"/status"`; not `"/status now"`, for it
 * takes no words, and not `"/configure"`, for it is no command that begins like one.
 *
 * @param commands Those that exist.
 */
export function commandOf(
  text: string,
  commands: ReadonlyMap<string, CommandKind>,
): Command | undefined {
  if (commands.size === 0 || !/^\s*\//.test(text)) return undefined;
  const [, name = "", words = ""] = /^\/([\w-]+)(?:\s*:)?(?:\s+(.*))?$/s.exec(text.trim()) ?? [];
  const kind = commands.get(name.toLowerCase());
  if (!kind || (words !== "" && !kind.takesWords)) return undefined;
  return { name: name.toLowerCase(), kind, words };
}
