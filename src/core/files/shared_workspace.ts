/** Declares how tools work in a workspace that several processes share (O17). */

/** A shared workspace, as tools of one agent use it. */
export interface SharedWorkspace {
  /**
   * Brings changes of other processes here, before a tool reads.
   *
   * @throws {Error} If the place of the files is away, with words for the model.
   */
  pull(): Promise<void>;
  /** Changes files here while no synchronisation does. */
  change<Result>(work: () => Promise<Result>): Promise<Result>;
  /**
   * Brings changes to the other processes. Never rejects: the change is made already.
   *
   * @returns A sentence for the model if they do not have everything, or had a change of their own.
   */
  push(): Promise<string | undefined>;
}
