/**
 * Facts about a message that it does not contain itself. Barnacle fetches them before policy
 * decides, so that the decision waits for nothing (P1).
 *
 * All of them survive `JSON.stringify`, because the store records them with the verdict.
 *
 * @module
 */

/** Known facts of one message. An absent fact is unknown, or does not apply. */
export interface KnownFacts {
  /** Whether the sender is paired; absent until the store has answered. */
  readonly isPaired?: boolean;
  /** PluralKit's answer about a webhook's message; absent if Barnacle did not ask. */
  readonly pluralkit?: "found" | "none" | "failed";
  /** PluralKit has proxied this person before. Its message counts in place of this one. */
  readonly isProxied?: boolean;
  /** PluralKit did not replace this message within its time: it is the person's own. */
  readonly isUnproxied?: boolean;
  /** Another account of this process wrote it (N3). */
  readonly isOurs?: boolean;
  /** Only bots have written here for so long that Barnacle answers none of them (P11). */
  readonly isMuted?: boolean;
  /** Discord lists the sender as owner of the application, or as a member of its team (P10). */
  readonly ownsApplication?: boolean;
  /**
   * Whether an owner of the bot is a member of the message's guild (P6). `unknown`: Discord did not
   * tell. Absent if Barnacle did not ask.
   */
  readonly ownerInGuild?: "member" | "absent" | "unknown";
  /** It is in a thread of an answer, where the conversation continues without mentions (S7). */
  readonly inAnswerThread?: boolean;
  /**
   * It is a text command, and Barnacle checks the sender's rights again before it runs: Discord
   * knows those that the message does not contain, and the sender learns of a refusal (K3).
   */
  readonly rightsLater?: boolean;
  /** Whether this place needs mentions, if an owner has chosen that by `/activation` (K2). */
  readonly activation?: "mention" | "always";
  /** An owner has switched answers off in this place by `/send off` (K2). */
  readonly isSilenced?: boolean;
  /** The sender may manage messages in this place (K3). */
  readonly managesMessages?: boolean;
}
