/** Holds the page's data, and the part of it that the current person sees. */

/** Milliseconds for which Discord shows typing. */
const TYPING_MS = 10_000;

/** Makes the state from the server's whole world; `before` is the state so far, if there is one. */
export function openState({ world, prompts, bot, judged }, before) {
  const state = {
    world,
    prompts,
    bot,
    messages: new Map(world.messages.map((message) => [message.id, message])),
    judged: new Map(judged.map((one) => [one.messageId, one])),
    typing: new Map(),
    unread: before?.unread ?? new Set(),
    personId: before?.personId,
    channelId: before?.channelId,
    /** The message that the next one will reply to. */
    replyTo: undefined,
    /** The last channel of each person. */
    lastChannels: before?.lastChannels ?? new Map(),
    /**
     * New with a new conversation: steps that have happened or were skipped, messages from before, and the
     * number of answers when the bot went down.
     */
    tour: world.messages.some(({ id }) => before?.messages.has(id)) ? before.tour : {
      done: new Set(),
      isClosed: false,
      seen: new Set(world.messages.map(({ id }) => id)),
      answeredAtKill: undefined,
    },
  };
  // The first person is a member of the guild.
  const member = world.people.find(({ note }) => note.startsWith("member")) ?? world.people[0];
  becomePerson(state, state.personId ?? member?.id);
  return state;
}

/** Applies an event; returns the messages that look different now. */
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
    case "whisper":
      state.messages.set(news.message.id, { ...news.message, onlyFor: news.userId });
      return [news.message.id];
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
    case "world": // places or people; the messages are known already
      state.world = news.world;
      return [];
  }
  return [];
}

/** Switches to a person, in that person's last channel. */
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

export function ownerOf({ world }) {
  return world.people.find(({ note }) => note.startsWith("owner"));
}

/** The channels that the person can read. */
export function channelsOf(state) {
  return state.world.channels.filter(({ viewers }) => viewers.includes(state.personId));
}

export function channel(state) {
  return state.world.channels.find(({ id }) => id === state.channelId);
}

/** Messages of the current channel, oldest first. */
export function messagesOf(state) {
  return [...state.messages.values()]
    .filter(({ channelId, onlyFor = state.personId }) =>
      channelId === state.channelId && onlyFor === state.personId
    )
    .sort((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1));
}

/** Names of other people who type in the current channel. */
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

/**
 * The newest question about something that the bot has asked a person in direct messages.
 *
 * @param {any} state
 * @param {string} about ID of a message or a person that the question names.
 */
export function openQuestion({ world, messages }, about) {
  for (const { id, channelId, text, buttons } of [...messages.values()].reverse()) {
    const button = buttons.find(({ style, isDisabled }) => style === "success" && !isDisabled);
    if (!button || !text.includes(about)) continue;
    const channel = world.channels.find((one) => one.id === channelId && one.kind === "dm");
    if (channel) return { id, channelId, button, personId: channel.viewers[0] };
  }
  return undefined;
}

/** Whether a message here should mention the bot: in a guild, usually. */
export function needsMention(state) {
  return channel(state)?.guildId !== undefined;
}
