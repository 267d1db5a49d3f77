/**
 * What the demo's bot is told: one guild, and one person who may write to it directly.
 *
 * It is a config as the README's first steps would make it, so that every verdict
 * on the page is one that a reader's own bot would give.
 *
 * @module
 */

/** The first guild of the demo's world, by its slug; of the second nothing is said. */
export function demoConfig(): object {
  return {
    channels: {
      discord: {
        dm: { policy: "allowlist", allowFrom: ["ada"] },
        guilds: {
          "krill-co": { channels: { "*": {}, "off-topic": { requireMention: false } } },
        },
      },
    },
    http: { port: 0 },
  };
}
