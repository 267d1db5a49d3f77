/**
 * Declares what tools can do outside of Discord: commands on the host (A1), the agent's files (S6),
 * scripts, pages of the web, and drawn images.
 */

import type { ScriptEnd } from "../../skills/skill_tool.ts";
import type { InboundMessage } from "../../inbound/inbound.ts";
import type { Question } from "../../people/question.ts";
import type { DiscordCall } from "./discord_call.ts";

/** A command of the tool `exec`. */
export interface ExecCall {
  readonly argv: readonly string[];
  /** Folder within the workspace; empty for the workspace itself. */
  readonly cwd: string;
  /** Milliseconds that it may run. */
  readonly timeoutMs: number;
}

export type ExecAsker = Pick<DiscordCall, "message" | "sessionKey" | "decision" | "signal">;

export interface ExecPort {
  /**
   * What an approver must decide before a command runs.
   *
   * @returns `undefined` if no approval is needed, or if there is no approver.
   * @throws {Error} If the command cannot run at all; as a rejection.
   */
  question(call: ExecCall, context: ExecAsker): Promise<Question | undefined>;
  /**
   * Runs a command, if it may run.
   *
   * @returns Output and end, for the model.
   * @throws {Error} If it may not run, or cannot be started; as a rejection.
   */
  run(call: ExecCall, context: ExecAsker): Promise<string>;
}

export interface FileEntry {
  /** Path within the workspace, with `/` between its parts. */
  readonly path: string;
  /** `link` and `other` are shown, and never opened. */
  readonly kind: "file" | "folder" | "link" | "other";
  /** Size in bytes; absent unless it is a file. */
  readonly bytes?: number;
}

/** Files of the workspace, for tools. Paths are relative to its root. */
export interface WorkspacePort {
  /**
   * Reads a text file.
   *
   * @throws {Error} If the path leaves the workspace, or is no readable text file.
   */
  read(path: string): Promise<string>;
  /** Reads a file of any kind; otherwise as {@link WorkspacePort.read}. */
  readBytes(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Creates or replaces a text file, at once or not at all. Missing folders are created.
   *
   * @throws {Error} If the path leaves the workspace, or the workspace has no room.
   */
  write(path: string, text: string): Promise<void>;
  /**
   * Lists a folder; `""` is the root.
   *
   * @returns The entries in the order of their paths, and whether there are more.
   * @throws {Error} If the path leaves the workspace, or is no folder.
   */
  list(
    path: string,
    isRecursive: boolean,
  ): Promise<{ readonly entries: readonly FileEntry[]; readonly isCut: boolean }>;
}

export interface Script {
  /** JavaScript. */
  readonly source: string;
  /** Names of attachments, as the model wrote them. */
  readonly files: readonly string[];
}

export interface CodePort {
  /**
   * Runs a script in a sandbox, with limits of time and memory.
   *
   * @param messages The messages whose attachments the script may read, those of their quotes too.
   * @throws {Error} If a file cannot be read, or the sandbox fails, with the reason for the model.
   */
  run(script: Script, messages: readonly InboundMessage[], signal: AbortSignal): Promise<ScriptEnd>;
}

export interface WebPage {
  /** The address after redirects. */
  readonly url: string;
  /** Absent if the page has none. */
  readonly title?: string;
  /** Markdown for a page in HTML, otherwise the document as it is. */
  readonly text: string;
  /** Whether only the beginning of the document was read. */
  readonly isCut: boolean;
}

export interface SearchHit {
  readonly url: string;
  /** Its title; may be empty. */
  readonly title: string;
  /** A few words of the page; may be empty. */
  readonly excerpt: string;
}

export interface WebPort {
  /**
   * Searches the web by the operator's search engine (T9).
   *
   * @returns The best first.
   * @throws {Error} If there is no engine, or it fails, with the reason for the model.
   */
  search(query: string, most: number, signal: AbortSignal): Promise<readonly SearchHit[]>;
  /**
   * Reads a page of the public internet (SEC-R23).
   *
   * @throws {Error} If it cannot be read, with the reason for the model; as a rejection.
   */
  page(url: string, signal: AbortSignal): Promise<WebPage>;
  /** Reads a file of any type of the public internet; otherwise as {@link WebPort.page}. */
  file(url: string, maxBytes: number, signal: AbortSignal): Promise<{
    /** The address after redirects. */
    readonly url: string;
    /** The type that the server names; empty if it names none. */
    readonly contentType: string;
    readonly bytes: Uint8Array<ArrayBuffer>;
  }>;
}

export interface DrawPort {
  /**
   * Draws an image, and keeps it for the reply of the message's turn.
   *
   * @returns Id of the image: digits.
   * @throws {Error} If a budget is spent, or if there is no image, with the reason for the model.
   */
  draw(prompt: string, message: InboundMessage, signal: AbortSignal): Promise<string>;
}
