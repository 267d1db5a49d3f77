/**
 * What the page knows, and what of it somebody sees who is one of the people.
 *
 * @module
 */

/** Milliseconds for which Discord shows that somebody types. */
const TYPING_MS = 10_000;

/** Takes everything that the server says of the world; `before` is what was known, if anything. */
export function openState({ world, prompts, bot, judged, notices }, before) {
  const state = {
    world,
    prompts,
    bot,
    notices: [...notices],
    messages: new Map(world.messages.map((message) => [message.id, message])),
    judged: new Map(judged.map((one) => [one.messageId, one])),
    typing: new Map(),
    unread: before?.unread ?? new Set(),
    personId: before?.personId,
    channelId: before?.channelId,
    /** The message that the next one will reply to. */
    replyTo: undefined,
    /** By person, the channel that they looked at last. */
    lastChannels: before?.lastChannels ?? new Map(),
  };
  // Who a visitor wants to be first is somebody in the guild.
  const member = world.people.find(({ note }) => note.startsWith("member")) ?? world.people[0];
  becomePerson(state, state.personId ?? member?.id);
  return state;
}

/** Takes news in; returns the messages that look different now. */
export function takeNews(state, news, now) {
  switch (news.kind) {
    case "message": {
      const { message } = news;
      const isNew = !state.messages.has(message.id);
      state.messages.set(message.id, message);
      state.typing.delete(`${message.channelId}/${message.author.id}`);
      if (isNew && message.channelId !== state.channelId) state.unread.add(message.channelId);
      return [message.id];
    }
    case "deleted":
      state.messages.delete(news.messageId);
      return [news.messageId];
    case "judged":
      state.judged.set(news.judged.messageId, news.judged);
      return [news.judged.messageId];
    case "typing":
      state.typing.set(`${news.channelId}/${news.userId}`, { ...news, until: now + TYPING_MS });
      return [];
    case "bot":
      state.bot = news.bot;
      return [];
    case "notice":
      state.notices = [...state.notices, news.notice].slice(-100);
      return [];
    case "world": // places or people; what was said is known already
      state.world = news.world;
      return [];
  }
  return [];
}

/** Looks through somebody's eyes, at the channel that they looked at last. */
export function becomePerson(state, personId) {
  state.personId = personId;
  const seen = channelsOf(state);
  const wanted = [state.channelId, state.lastChannels.get(personId)];
  const channel = seen.find(({ id }) => wanted.includes(id)) ??
    seen.find(({ kind, name }) => kind === "text" && name === "general") ??
    seen.find(({ kind }) => kind === "text") ?? seen[0];
  showChannel(state, channel?.id);
}

export function showChannel(state, channelId) {
  state.channelId = channelId;
  state.replyTo = undefined;
  state.lastChannels.set(state.personId, channelId);
  state.unread.delete(channelId);
}

export function person(state) {
  return state.world.people.find(({ id }) => id === state.personId);
}

/** Those that the person can read. */
export function channelsOf(state) {
  return state.world.channels.filter(({ viewers }) => viewers.includes(state.personId));
}

export function channel(state) {
  return state.world.channels.find(({ id }) => id === state.channelId);
}

/** Those of the channel that is shown, the oldest first. */
export function messagesOf(state) {
  return [...state.messages.values()]
    .filter(({ channelId }) => channelId === state.channelId)
    .sort((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1));
}

/** Names of those who type where the person looks, but for the person. */
export function typistsOf(state, now) {
  const found = [...state.typing.values()].filter(({ channelId, userId, until }) =>
    channelId === state.channelId && userId !== state.personId && until > now
  );
  return found.map(({ userId }) => nameOf(state, `@${userId}`).slice(1));
}

/** @param {string} to `"@123"`, `"@&123"`, `"#123"`, `"@everyone"` */
export function nameOf(state, to) {
  return state.world.names[to] ?? (/\d/.test(to) ? `${to.replace(/\d+/, "")}unknown` : to);
}

/** Whether the bot is to be spoken to by name here: in a guild it is, as a rule. */
export function needsMention(state) {
  return channel(state)?.guildId !== undefined;
}
