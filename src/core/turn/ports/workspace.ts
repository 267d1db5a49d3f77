/**
 * The agent's files for tools (S6).
 *
 * @module
 */

/** An entry of a folder. */
export interface FileEntry {
  /** Path within the workspace, with `/` between its parts. */
  readonly path: string;
  /** `link` and `other` are shown, and never opened. */
  readonly kind: "file" | "folder" | "link" | "other";
  /** Size in bytes; absent unless it is a file. */
  readonly bytes?: number;
}

/** What tools can do with the files of the workspace. Paths are relative to its root. */
export interface WorkspacePort {
  /**
   * Reads a text file.
   *
   * @throws {Error} If the path leaves the workspace, or is no readable text file.
   */
  read(path: string): Promise<string>;
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
