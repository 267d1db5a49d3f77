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

/** Names the first guild of the demo's world by its slug, and omits the second. */
export function demoConfig(): object {
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
