/**
 * Discord's clock.
 *
 * It begins with this machine's time, and goes on when this machine's clock is set. So the windows of
 * rate limits keep their length. On Linux, it stands still while the machine is suspended.
 */

/** Unix time in milliseconds. */
export const discordNow = (): number => Math.floor(performance.timeOrigin + performance.now());
