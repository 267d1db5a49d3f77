/**
 * The config of the demo's bot: one guild, one user who may send direct messages, and pairing for
 * all others.
 *
 * It follows the README's first steps, so that the reader's own bot would give the same verdicts.
 *
 * @module
 */

/** Seconds for a turn in the demo, after which a hanging model is cut; the default is 600. */
export const DEMO_TURN_SEC = 60;

/** The config of the demo's bot, so far as scenes change parts of it. */
export interface DemoConfig {
  /** Limits of turns. */
  readonly agents: object;
  /** The section of Discord. */
  readonly channels: { readonly discord: object };
  /** The bot's own server. */
  readonly http: object;
}

/** Names the first guild of the demo's world by its slug, and omits the second. */
export function demoConfig(): DemoConfig {
  return {
    agents: { turnTimeoutSec: DEMO_TURN_SEC },
    channels: {
      discord: {
        dm: { allowFrom: ["ada"] },
        guilds: {
          "krill-co": { channels: { "*": {}, "off-topic": { requireMention: false } } },
        },
      },
    },
    http: { port: 0 },
  };
}
