import { describeError, type Logger } from "@frostlight/kernel";
import type { FastifyError, FastifyInstance } from "fastify";
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from "fastify-type-provider-zod";

/** An answer that is not the wished one: status and code are for programs, the message for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function notFound(what: string): ApiError {
  return new ApiError(404, "not-found", `${what} is not known here`);
}

const codesOfStatus: Readonly<Record<number, string>> = {
  400: "request-invalid",
  401: "session-missing",
  403: "forbidden",
  404: "not-found",
  413: "request-too-large",
  415: "media-type-unsupported",
  429: "too-many-requests",
};

/** One shape for every error: `{code, message, problems?}`. */
export function installErrorAnswers(app: FastifyInstance, logger: Logger): void {
  app.setNotFoundHandler((request, reply) => {
    void reply
      .code(404)
      .send({ code: "not-found", message: `there is no ${request.method} ${request.url.slice(0, 200)}` });
  });
  app.setErrorHandler((error: FastifyError | Error, request, reply) => {
    if (error instanceof ApiError) {
      void reply.code(error.status).send({ code: error.code, message: error.message });
      return;
    }
    if (hasZodFastifySchemaValidationErrors(error)) {
      const place = error.validationContext ?? "request";
      void reply.code(400).send({
        code: "request-invalid",
        message: `the ${place} is not as expected`,
        problems: error.validation.map((problem) => ({
          path: `${place}${problem.instancePath}`,
          message: problem.message ?? problem.keyword,
        })),
      });
      return;
    }
    const status = "statusCode" in error && error.statusCode !== undefined ? error.statusCode : 500;
    if (status < 500) {
      const code = codesOfStatus[status] ?? "request-refused";
      void reply.code(status).send({ code, message: error.message });
      return;
    }
    logger.error("request-failed", {
      method: request.method,
      route: request.routeOptions.url,
      error: describeError(error),
      contract: isResponseSerializationError(error) ? describeError(error.cause) : undefined,
    });
    void reply
      .code(status === 503 ? 503 : 500)
      .send({ code: "internal", message: "the server could not do this; the reason is in its log" });
  });
}
