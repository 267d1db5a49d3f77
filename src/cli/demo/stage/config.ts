/**
 * The config of the demo's bot: one guild, and one user who may send direct messages.
 *
 * It follows the README's first steps, so that the reader's own bot would give the same verdicts.
 *
 * @module
 */

/** Names the first guild of the demo's world by its slug, and omits the second. */
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
