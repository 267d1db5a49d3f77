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

/** Files of the workspace, for tools. Paths are relative to its root. */
export interface WorkspaceFiles {
  /**
   * Reads a text file.
   *
   * @throws {Error} If the path leaves the workspace, or is no readable text file.
   */
  read(path: string): Promise<string>;
  /** Reads a file of any kind; otherwise as {@link WorkspaceFiles.read}. */
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

export interface WebAccess {
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
  /** Reads a file of any type of the public internet; otherwise as {@link WebAccess.page}. */
  file(url: string, maxBytes: number, signal: AbortSignal): Promise<{
    /** The address after redirects. */
    readonly url: string;
    /** The type that the server names; empty if it names none. */
    readonly contentType: string;
    readonly bytes: Uint8Array<ArrayBuffer>;
  }>;
}
