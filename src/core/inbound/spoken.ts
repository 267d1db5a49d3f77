/** Speech in voice channels: a message that a person has spoken, and Discord lacks (V5). */

/** How a message was spoken. */
export interface Spoken {
  /** Length of the sound. */
  readonly seconds: number;
  /** Set if the sound has no transcript, and only a model that hears has understood it (V6). */
  readonly isUnwritten?: true;
}
