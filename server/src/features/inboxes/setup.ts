import type { InboxCheck, InboxInput, InboxPatch } from '@parley/contract';
import { channels, isLive } from '../../channels/registry.ts';
import type { Config } from '../../platform/config/config.ts';
import { DecryptError } from '../../platform/security/crypto.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import { AppError, notFound } from '../../platform/errors.ts';
import { newId, newToken } from '../../platform/data/ids.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { changesOfClosed } from '../handoffs/changes.ts';
import { inboxChanged } from './changes.ts';
import { changeInbox, createInbox, deleteInbox, noteStatus, requireBot } from './commands.ts';
import type { InboxChange } from './commands.ts';
import { connectInbox, disconnectInbox } from './connection.ts';
import type { ChannelHttpOf } from './connection.ts';
import {
  madeUp,
  mergeCredentials,
  openCredentials,
  parseCredentials,
  readCredentials,
  sealCredentials,
} from './credentials.ts';
import { identitySecretOf } from './directory.ts';
import type { InboxRow } from './present.ts';
import { assertAccountFree, findInbox } from './queries.ts';
import { cleanSettings } from './settings.ts';

export type InboxParts = {
  store: Store;
  keyring: Keyring;
  publish: Publish;
  log: Logger;
  config: Pick<Config, 'publicUrl'>;
  channelHttp: ChannelHttpOf;
};

/**
 * Setting inboxes up: what needs the platform as well as the database. The platform is never called inside a
 * transaction.
 */
export function createInboxSetup({ store, keyring, publish, log, config, channelHttp }: InboxParts) {
  const connect = (inbox: Pick<InboxRow, 'workspaceId' | 'channel' | 'token'>, credentials: unknown) =>
    connectInbox({ publicUrl: config.publicUrl, channelHttp }, inbox, credentials);

  const accountOf = (channel: InboxRow['channel'], credentials: unknown): string | null =>
    channels[channel].accountOf?.(credentials) ?? null;

  /** Before the platform is told anything: it would send to the new address from then on. */
  async function assertFree(
    inbox: Pick<InboxRow, 'id' | 'workspaceId' | 'channel'>,
    credentials: unknown,
  ): Promise<void> {
    const externalId = accountOf(inbox.channel, credentials);
    if (externalId === null) return;
    const account = { channel: inbox.channel, externalId, inboxId: inbox.id };
    await store.inWorkspace(inbox.workspaceId, (tx) => assertAccountFree(tx, account));
  }

  /** @throws badRequest (credentials), conflict (the account has an inbox), not-found (bot), unavailable (the platform cannot be reached) */
  async function create(
    workspaceId: string,
    input: InboxInput,
  ): Promise<{ row: InboxRow; generated: Record<string, string> | undefined }> {
    const credentials = parseCredentials(input.channel, input.credentials);
    const settings = cleanSettings(input.settings);
    // Before the platform is told anything.
    await store.inWorkspace(workspaceId, (tx) => requireBot(tx, input.botId));
    const made = { id: newId(), workspaceId, channel: input.channel, token: newToken() };
    await assertFree(made, credentials);
    const { status, statusDetail, connection } = await connect(made, credentials);
    const externalId = connection?.externalId ?? accountOf(input.channel, credentials);
    const { name, botId } = input;
    const sealed = sealCredentials(keyring, made.id, credentials);
    const row = await store.inWorkspace(workspaceId, (tx) =>
      createInbox(tx, workspaceId, {
        ...made,
        name,
        botId,
        settings,
        credentials: sealed,
        status,
        statusDetail,
        externalId,
      }),
    );
    publish([inboxChanged(workspaceId, { inboxId: row.id })]);
    // From now on its token is found, wherever the workspace lives.
    await store.mirror(workspaceId);
    return { row, generated: madeUp(input.channel, input.credentials, credentials) };
  }

  /** Settings and fields of the credentials that are not named stay as they are. @throws as `create` */
  async function change(workspaceId: string, id: string, patch: InboxPatch): Promise<InboxRow> {
    const { credentials: typed, settings, enabled, ...plain } = patch;
    const before = await store.inWorkspace(workspaceId, async (tx) => {
      await requireBot(tx, patch.botId);
      return findInbox(tx, id);
    });
    const change: InboxChange = { ...plain };
    if (settings) change.settings = { ...before.settings, ...cleanSettings(settings) };
    const isOn = enabled ?? before.status !== 'disabled';
    const credentials = typed
      ? parseCredentials(before.channel, mergeCredentials(before.channel, storedOf(before), typed))
      : undefined;
    if (credentials !== undefined) change.credentials = sealCredentials(keyring, before.id, credentials);
    if (isOn && (credentials !== undefined || before.status === 'disabled')) {
      const used = credentials ?? openCredentials(keyring, before);
      await assertFree(before, used);
      const { status, statusDetail, connection } = await connect(before, used);
      const externalId = connection?.externalId ?? accountOf(before.channel, used);
      Object.assign(change, { status, statusDetail, ...(externalId === null ? {} : { externalId }) });
    }
    if (!isOn) Object.assign(change, { status: 'disabled', statusDetail: null });
    const row = await store.inWorkspace(workspaceId, (tx) => changeInbox(tx, workspaceId, before.id, change));
    publish([inboxChanged(workspaceId, { inboxId: row.id })]);
    if (!isOn && before.status !== 'disabled') await disconnectOf(before);
    return row;
  }

  /** What cannot be read any more is typed anew. */
  const storedOf = (inbox: InboxRow): Record<string, unknown> => {
    try {
      return readCredentials(keyring, inbox);
    } catch (error) {
      if (error instanceof DecryptError) return {};
      throw error;
    }
  };

  async function disconnectOf(inbox: InboxRow): Promise<void> {
    await disconnectInbox({ channelHttp, log }, inbox, () => openCredentials(keyring, inbox));
  }

  async function remove(workspaceId: string, id: string, by: { name: string }): Promise<void> {
    const { row, closed } = await store.inWorkspace(workspaceId, (tx) => deleteInbox(tx, workspaceId, id, by));
    publish([inboxChanged(workspaceId, { inboxId: row.id }), ...changesOfClosed(workspaceId, row.channel, closed)]);
    await disconnectOf(row);
  }

  /** Asks the platform now, and keeps what it says as the inbox's status. */
  async function check(workspaceId: string, id: string): Promise<InboxCheck> {
    const inbox = await store.inWorkspace(workspaceId, (tx) => findInbox(tx, id));
    if (inbox.status === 'disabled') return { ok: false, displayName: null, detail: 'This inbox is disabled.' };
    const found = await ask(inbox);
    const ok = found.status === 'connected';
    const statusDetail = ok ? null : found.detail;
    if (found.status !== inbox.status || statusDetail !== inbox.statusDetail) {
      await store.inWorkspace(workspaceId, (tx) => noteStatus(tx, inbox.id, { status: found.status, statusDetail }));
      publish([inboxChanged(workspaceId, { inboxId: inbox.id })]);
    }
    return { ok, displayName: found.displayName, detail: found.detail };
  }

  async function ask(inbox: InboxRow) {
    try {
      const { status, statusDetail, connection } = await connect(inbox, openCredentials(keyring, inbox));
      const detail = statusDetail ?? connection?.detail ?? 'Ready.';
      return { status, detail, displayName: connection?.displayName ?? null };
    } catch (error) {
      // The refusal is what was asked for; anything else is a failure like everywhere.
      if (!(error instanceof AppError)) throw error;
      return { status: 'failing' as const, detail: error.message, displayName: null };
    }
  }

  /** What a website signs its visitors with; null until one is made. @throws not-found for a channel without visitors */
  async function identitySecret(workspaceId: string, id: string): Promise<string | null> {
    return identitySecretOf(storedOf(await visited(workspaceId, id)));
  }

  /** Another one; signatures made with the one before are refused from now on. @throws as `identitySecret` */
  async function renewIdentitySecret(workspaceId: string, id: string): Promise<string> {
    const inbox = await visited(workspaceId, id);
    const secret = newToken();
    const credentials = sealCredentials(keyring, inbox.id, { ...storedOf(inbox), identitySecret: secret });
    await store.inWorkspace(workspaceId, (tx) => changeInbox(tx, workspaceId, inbox.id, { credentials }));
    publish([inboxChanged(workspaceId, { inboxId: inbox.id })]);
    return secret;
  }

  async function visited(workspaceId: string, id: string): Promise<InboxRow> {
    const inbox = await store.inWorkspace(workspaceId, (tx) => findInbox(tx, id));
    if (!isLive(inbox.channel)) throw notFound('The chat');
    return inbox;
  }

  return { create, change, remove, check, identitySecret, renewIdentitySecret };
}
