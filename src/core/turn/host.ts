/** Declares what tools can do outside of Discord: commands (A1), the agent's files (S6), the web. */

/** A command of the tool `exec`. */
export interface ExecCall {
  readonly argv: readonly string[];
  /** Folder within the workspace; empty for the workspace itself. */
  readonly cwd: string;
  /** Milliseconds that it may run. */
  readonly timeoutMs: number;
}

export interface FileEntry {
  /** Path within the workspace, with `/` between its parts. */
  readonly path: string;
  /** `link` and `other` are shown, and never opened. */
  readonly kind: "file" | "folder" | "link" | "other";
  /** Size in bytes; absent unless it is a file. */
  readonly bytes?: number;
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
