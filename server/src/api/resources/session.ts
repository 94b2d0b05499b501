import { z } from "zod";

import { ApiError } from "../api-error.ts";
import { type ApiInstance, type ApiPorts, callerOf } from "../context.ts";
import { usesSecureCookies } from "../options.ts";
import { passwordLength, type PasswordHasher } from "../passwords.ts";
import { permissionsOf } from "../permissions.ts";
import { problem, session } from "../schemas.ts";
import { hashOfToken, newToken, sessionCookieAttributes, sessionCookieName } from "../sessions.ts";
import { SignInThrottle } from "../sign-in-throttle.ts";
import type { OpenStreams } from "./events.ts";

const credentials = z.strictObject({
  name: z.string().min(1).max(100),
  password: z.string().min(1).max(passwordLength.max),
});

const newPassword = z.strictObject({
  current: z.string().min(1).max(passwordLength.max),
  next: z.string().min(passwordLength.min).max(passwordLength.max),
});

/** Signing in and out, who am I, and the own password. */
export function sessionRoutes(app: ApiInstance, ports: ApiPorts, hasher: PasswordHasher, streams: OpenStreams): void {
  const { accounts, clock, options, random } = ports;
  const throttle = new SignInThrottle(clock, options.rateLimits.failuresPerName);
  const secure = usesSecureCookies(options);
  const cookieName = sessionCookieName(secure);
  const attributes = sessionCookieAttributes(secure);
  const lifeMs = options.sessionHours * 3_600_000;

  app.post(
    "/session",
    {
      config: {
        permission: "public",
        rateLimit: { max: options.rateLimits.signInPerMinute, timeWindow: 60_000 },
      },
      schema: {
        summary: "Sign in",
        body: credentials,
        response: { 200: session, 401: problem, 429: problem },
      },
    },
    async (request, reply) => {
      const { name, password } = request.body;
      if (throttle.isBlocked(name)) {
        throw new ApiError(429, "too-many-requests", "too many failed sign-ins with this name; wait fifteen minutes");
      }
      const user = await accounts.userByName(name);
      const matches = await hasher.verify(user?.passwordHash ?? null, password);
      const timeMs = clock.nowMs();
      if (user === undefined || !matches) {
        throttle.failed(name);
        await accounts.audit({
          timeMs,
          actor: name,
          organisationId: user?.organisationId ?? null,
          action: "sign-in-failed",
          detail: request.ip,
        });
        throw new ApiError(401, "credentials-wrong", "name or password is wrong");
      }
      throttle.succeeded(name);
      const token = newToken(random);
      await accounts.createSession({
        tokenHash: hashOfToken(token),
        userId: user.userId,
        expiresMs: timeMs + lifeMs,
      });
      await accounts.audit({
        timeMs,
        actor: user.name,
        organisationId: user.organisationId,
        action: "signed-in",
        detail: request.ip,
      });
      void reply.setCookie(cookieName, token, { ...attributes, maxAge: Math.floor(lifeMs / 1000) });
      return {
        userId: user.userId,
        name: user.name,
        role: user.role,
        permissions: permissionsOf(user.role),
        nowMs: timeMs,
      };
    },
  );

  app.get(
    "/session",
    {
      config: { permission: "own-account" },
      schema: { summary: "Who is signed in", response: { 200: session, 401: problem } },
    },
    (request) => {
      const { user } = callerOf(request);
      return {
        userId: user.userId,
        name: user.name,
        role: user.role,
        permissions: permissionsOf(user.role),
        nowMs: clock.nowMs(),
      };
    },
  );

  app.delete(
    "/session",
    {
      config: { permission: "own-account" },
      schema: { summary: "Sign out", response: { 204: z.null(), 401: problem } },
    },
    async (request, reply) => {
      const { tokenHash } = callerOf(request);
      await accounts.deleteSession(tokenHash);
      streams.endWhere((stream) => stream.tokenHash === tokenHash);
      return reply.clearCookie(cookieName, attributes).code(204).send(null);
    },
  );

  app.post(
    "/password",
    {
      config: {
        permission: "own-account",
        rateLimit: { max: options.rateLimits.signInPerMinute, timeWindow: 60_000 },
      },
      schema: {
        summary: "Change the own password; all other sessions of this user end",
        body: newPassword,
        response: { 204: z.null(), 400: problem, 401: problem, 403: problem, 429: problem },
      },
    },
    async (request, reply) => {
      const { user, tokenHash } = callerOf(request);
      const { current, next } = request.body;
      const stored = await accounts.userByName(user.name);
      if (!(await hasher.verify(stored?.passwordHash ?? null, current))) {
        throw new ApiError(403, "credentials-wrong", "the current password is wrong");
      }
      const timeMs = clock.nowMs();
      await accounts.setPasswordHash(user.userId, await hasher.hash(next));
      await accounts.deleteSessionsOf(user.userId);
      await accounts.createSession({ tokenHash, userId: user.userId, expiresMs: timeMs + lifeMs });
      streams.endWhere((stream) => stream.userId === user.userId && stream.tokenHash !== tokenHash);
      await accounts.audit({
        timeMs,
        actor: user.name,
        organisationId: user.organisationId,
        action: "password-changed",
        detail: request.ip,
      });
      return reply.code(204).send(null);
    },
  );
}
