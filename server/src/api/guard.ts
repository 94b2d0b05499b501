import "@fastify/cookie"; // types of request.cookies
import { BlockList, isIP } from "node:net";

import type { Clock } from "@frostlight/kernel";
import type { FastifyInstance, FastifyRequest, RouteOptions } from "fastify";

import type { AccountStore } from "../core/records.ts";
import { ApiError } from "./api-error.ts";
import { type ApiOptions, usesSecureCookies } from "./options.ts";
import { mayRole, type Permission } from "./permissions.ts";
import { hashOfToken, sessionCookieName } from "./sessions.ts";

/** What a registered route asks for; the tests walk these. */
export interface RouteRule {
  readonly method: string;
  readonly url: string;
  readonly permission: Permission;
}

const unsafeMethods = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/**
 * Deny by default. A route that names no permission, or a `/api/` route without schemas, is refused when it is registered:
 * the server does not start with it. Then every request is held against its route's permission before anything reads it.
 */
export function installGuard(
  app: FastifyInstance,
  ports: { readonly options: ApiOptions; readonly accounts: AccountStore; readonly clock: Clock },
): { readonly routes: readonly RouteRule[] } {
  const { options, accounts, clock } = ports;
  const routes: RouteRule[] = [];
  const cookieName = sessionCookieName(usesSecureCookies(options));
  const metricsFrom = blockListOf(options.metricsFrom);

  app.addHook("onRoute", (route) => {
    routes.push(...ruleOf(route));
  });
  app.decorateRequest("caller", null);
  app.addHook("onRequest", async (request) => {
    if (request.is404) return;
    const permission = request.routeOptions.config.permission;
    if (permission === undefined) throw new ApiError(403, "forbidden", "this route names no permission");
    if (permission === "gateway") return;
    if (unsafeMethods.has(request.method)) refuseForeignOrigin(request, options.publicUrl);
    const token = request.cookies[cookieName];
    if (token !== undefined && token.length <= 200) {
      const tokenHash = hashOfToken(token);
      const user = await accounts.userBySession(tokenHash, clock.nowMs());
      if (user !== undefined) {
        request.caller = { user, tokenHash, scope: { organisationId: user.organisationId } };
      }
    }
    if (permission === "public") return;
    if (permission === "metrics" && isDirectFrom(request, metricsFrom, options)) return;
    if (request.caller === null) throw new ApiError(401, "session-missing", "sign in first");
    if (!mayRole(request.caller.user.role, permission)) {
      throw new ApiError(403, "forbidden", `a ${request.caller.user.role} may not do this (needs ${permission})`);
    }
  });
  return { routes };
}

function ruleOf(route: RouteOptions): RouteRule[] {
  const permission = route.config?.permission;
  const methods = [route.method].flat();
  const name = `${methods.join("/")} ${route.url}`;
  if (permission === undefined) throw new Error(`the route ${name} names no permission`);
  if (route.url.startsWith("/api/") && permission !== "gateway") {
    if (route.schema?.response === undefined) throw new Error(`the route ${name} has no response schema`);
    if (route.url.includes(":") && route.schema.params === undefined) {
      throw new Error(`the route ${name} has no schema for its parameters`);
    }
    if (methods.some((method) => method === "POST" || method === "PUT") && route.schema.body === undefined) {
      throw new Error(`the route ${name} has no schema for its body`);
    }
  }
  return methods.map((method) => ({ method, url: route.url, permission }));
}

/**
 * Cross-site request forgery: the cookie is SameSite=Strict; here also the browser's own word on who asks (`Origin`,
 * `Sec-Fetch-Site`) must agree. Programs that send neither carry no cookie they did not mean to send.
 */
function refuseForeignOrigin(request: FastifyRequest, publicUrl: string | null): void {
  const site = request.headers["sec-fetch-site"];
  if (site === "cross-site" || site === "same-site") {
    throw new ApiError(403, "foreign-origin", `the request comes from another site (${site})`);
  }
  const origin = request.headers.origin;
  if (origin === undefined) return;
  const allowed = URL.canParse(origin) ? new URL(origin) : null;
  const own = publicUrl === null ? null : new URL(publicUrl).origin;
  if (allowed === null || (allowed.origin !== own && allowed.host !== request.headers.host)) {
    throw new ApiError(403, "foreign-origin", `the request comes from ${origin.slice(0, 200)}`);
  }
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits = ""] = network.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

/** By the peer's address; a forwarded request counts only when the proxy is a trusted one. */
function isDirectFrom(request: FastifyRequest, networks: BlockList, options: ApiOptions): boolean {
  if (options.trustProxy === false && request.headers["x-forwarded-for"] !== undefined) return false;
  const address = request.ip.replace(/^::ffff:/, "");
  const family = isIP(address);
  return family !== 0 && networks.check(address, family === 6 ? "ipv6" : "ipv4");
}
