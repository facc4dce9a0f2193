/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * bonafide: email authentication for mail servers: SPF, DKIM, ARC, DMARC and MTA-STS.
 *
 * One header and one library, with no threads, no sockets and no callbacks in it. What it wants to
 * know from the DNS it asks of the caller, and the caller answers from whatever resolver it has: see
 * bonafide_evaluation. docs/c.md is a guide.
 *
 * Rules for every function:
 *
 * - Status. A function that can fail gives a bonafide_status, and its results through the last
 *   arguments. They are written with BONAFIDE_OK only.
 * - NULL. No pointer may be NULL unless it says so: the status is BONAFIDE_NULL then, and nothing has
 *   changed. A pointer to octets may be NULL where their length is 0.
 * - Ownership. What is given to the library is copied. Handles, which end up in a pointer to a pointer,
 *   are freed with the function whose name ends in _free, which takes NULL too; nothing else is ever
 *   freed. What else comes from the library belongs to a handle.
 * - Threads. A handle is used by one thread at a time, whichever; those that several may read at once
 *   say so. Different handles have nothing to do with each other.
 * - Lengths are in octets. Texts that come from the library have a NUL behind them.
 * - Time is in seconds since 1970. The library reads no clock.
 * - Enumerations. Their numbers never change their meaning; later versions may add some.
 */


#ifndef BONAFIDE_H
#define BONAFIDE_H

#include <stddef.h>
#include <stdint.h>

/** The version of this header. */
#define BONAFIDE_VERSION "0.1.0"
#define BONAFIDE_VERSION_MAJOR 0
#define BONAFIDE_VERSION_MINOR 1
#define BONAFIDE_VERSION_PATCH 0

/** The version of the binary interface, to be compared with bonafide_abi_version(). */
#define BONAFIDE_ABI_VERSION 1

/**
 * What became of a call. Zero is success; a positive status is a piece of news that a correct
 * program meets; a negative one says that the call was wrong, and changed nothing.
 *
 * The numbers never change their meaning. Later versions may add some: treat a positive one that
 * you do not know as `BONAFIDE_ABSENT`, and a negative one as `BONAFIDE_INVALID`.
 */
typedef enum {
  /**
   * Done; results are written.
   */
  BONAFIDE_OK = 0,
  /**
   * There is no such thing: no further question, no such property, nothing to reply.
   */
  BONAFIDE_ABSENT = 1,
  /**
   * Not yet: answers, or the end of the header, are still missing.
   */
  BONAFIDE_WAITING = 2,
  /**
   * The packet belongs to something else: ignore it and keep waiting. The question is open.
   */
  BONAFIDE_FOREIGN = 3,
  /**
   * The packet is truncated: ask over TCP. The question is open.
   */
  BONAFIDE_TRUNCATED = 4,
  /**
   * The packet is the reply and cannot be read: ask another server, or answer with a failure.
   * The question is open.
   */
  BONAFIDE_MALFORMED = 5,
  /**
   * The message must not be signed, and bonafide_last_error() says why.
   */
  BONAFIDE_REFUSED = 6,
  /**
   * A pointer is NULL that must not be.
   */
  BONAFIDE_NULL = -1,
  /**
   * An argument is not what it must be, and bonafide_last_error() says what is wrong with it.
   */
  BONAFIDE_INVALID = -2,
  /**
   * The call comes too early or too late, or the handles do not belong together.
   */
  BONAFIDE_ORDER = -3,
  /**
   * No such question is open: it was never asked, is answered already, or nobody wants to know
   * any more. Answers that come late meet this, and it may be ignored.
   */
  BONAFIDE_NOT_ASKED = -4,
  /**
   * The answer is of another kind than the question, which is open.
   */
  BONAFIDE_WRONG_KIND = -5,
  /**
   * A length that no memory has.
   */
  BONAFIDE_TOO_LARGE = -6,
  /**
   * A bug in the library, which was caught. Free the handles of the call; do nothing else with
   * them.
   */
  BONAFIDE_PANIC = -7,
} bonafide_status;

/**
 * What kind of answer a question wants.
 */
typedef enum {
  /**
   * A question to the DNS, class IN: answer with a packet, with records or with a failure.
   */
  BONAFIDE_QUESTION_DNS = 1,
  /**
   * An MTA-STS policy, to be fetched over HTTPS: answer with bonafide_evaluation_answer_policy()
   * or with a failure.
   */
  BONAFIDE_QUESTION_POLICY = 2,
} bonafide_question_kind;

/**
 * A result, in the words of RFC 8601. Not every method has each of them.
 */
typedef enum {
  /**
   * There is nothing to check: no record, no signature.
   */
  BONAFIDE_RESULT_NONE = 0,
  /**
   * It is authentic.
   */
  BONAFIDE_RESULT_PASS = 1,
  /**
   * It is not.
   */
  BONAFIDE_RESULT_FAIL = 2,
  /**
   * SPF: probably not.
   */
  BONAFIDE_RESULT_SOFTFAIL = 3,
  /**
   * Nothing can be said of it.
   */
  BONAFIDE_RESULT_NEUTRAL = 4,
  /**
   * DKIM: a signature that verified or might have, and that local policy does not accept.
   */
  BONAFIDE_RESULT_POLICY = 5,
  /**
   * Nobody could say just now; a later attempt may give a result.
   */
  BONAFIDE_RESULT_TEMPERROR = 6,
  /**
   * It cannot be evaluated, and a later attempt will not help.
   */
  BONAFIDE_RESULT_PERMERROR = 7,
} bonafide_result;

/**
 * What a policy asks for.
 */
typedef enum {
  /**
   * There is no policy, or it is withdrawn: deliver as if there were no MTA-STS.
   */
  BONAFIDE_MODE_NONE = 0,
  /**
   * Deliver, and report what failed.
   */
  BONAFIDE_MODE_TESTING = 1,
  /**
   * Do not deliver to a host that fails.
   */
  BONAFIDE_MODE_ENFORCE = 2,
} bonafide_mode;

/**
 * What to do with a host.
 */
typedef enum {
  /**
   * Deliver.
   */
  BONAFIDE_ACTION_DELIVER = 0,
  /**
   * Deliver, and report the failure: the domain is testing.
   */
  BONAFIDE_ACTION_DELIVER_AND_REPORT = 1,
  /**
   * Do not deliver to this host, report the failure, and go to the next.
   */
  BONAFIDE_ACTION_SKIP = 2,
} bonafide_action;

/**
 * What may be wrong with the octets of a message.
 */
typedef enum {
  /**
   * CR without LF.
   */
  BONAFIDE_DEFECT_BARE_CR = 1,
  /**
   * LF without CR: with the former, what SMTP smuggling needs (RFC 5321 section 2.3.8).
   */
  BONAFIDE_DEFECT_BARE_LF = 2,
  /**
   * NUL.
   */
  BONAFIDE_DEFECT_NUL = 3,
  /**
   * Lines of over 998 octets.
   */
  BONAFIDE_DEFECT_LONG_LINES = 4,
  /**
   * 1 if there is no empty line that ends the header.
   */
  BONAFIDE_DEFECT_NO_HEADER_END = 5,
} bonafide_defect;

/**
 * Why a question has no answer. A name or a record that does not exist is an answer, not a
 * failure.
 */
typedef enum {
  /**
   * No answer came in time.
   */
  BONAFIDE_FAILURE_TIMEOUT = 1,
  /**
   * DNS: SERVFAIL.
   */
  BONAFIDE_FAILURE_SERVFAIL = 2,
  /**
   * DNS: REFUSED.
   */
  BONAFIDE_FAILURE_REFUSED = 3,
  /**
   * DNS: the answer failed DNSSEC validation.
   */
  BONAFIDE_FAILURE_BOGUS = 4,
  /**
   * Policy: no connection to the host.
   */
  BONAFIDE_FAILURE_CONNECTION = 5,
  /**
   * Policy: TLS failed before there was a certificate.
   */
  BONAFIDE_FAILURE_TLS = 6,
  /**
   * Policy: the certificate is not valid for the host.
   */
  BONAFIDE_FAILURE_CERTIFICATE = 7,
  /**
   * Anything else.
   */
  BONAFIDE_FAILURE_OTHER = 8,
} bonafide_failure;

/**
 * The line ends in the folds of a field that the library gives.
 */
typedef enum {
  /**
   * CRLF, as in a message on the wire.
   */
  BONAFIDE_LINE_END_CRLF = 0,
  /**
   * LF, as milters want it.
   */
  BONAFIDE_LINE_END_LF = 1,
} bonafide_line_end;

/**
 * What can be set of an authenticator. The defaults are those of a careful postmaster.
 */
typedef enum {
  /**
   * SPF: terms that ask the DNS, 10 by default (RFC 7208 section 4.6.4).
   */
  BONAFIDE_OPTION_SPF_LOOKUPS = 1,
  /**
   * SPF: terms whose question has no answer, 2 by default.
   */
  BONAFIDE_OPTION_SPF_VOID_LOOKUPS = 2,
  /**
   * SPF: questions in all for one identity, 111 by default.
   */
  BONAFIDE_OPTION_SPF_QUESTIONS = 3,
  /**
   * DKIM: signatures that are evaluated, from the top, 10 by default.
   */
  BONAFIDE_OPTION_DKIM_SIGNATURES = 4,
  /**
   * DKIM: octets of a header, 1 MiB by default. A message with a longer one has no author
   * domain.
   */
  BONAFIDE_OPTION_DKIM_HEADER_OCTETS = 5,
  /**
   * DKIM: bits of the smallest RSA key, 1024 by default and at least.
   */
  BONAFIDE_OPTION_DKIM_MINIMUM_RSA_BITS = 6,
  /**
   * DKIM: bits of the largest RSA key, 4096 by default, 8192 at most.
   */
  BONAFIDE_OPTION_DKIM_MAXIMUM_RSA_BITS = 7,
  /**
   * DKIM: 1 if signatures may pass that leave a part of the body unsigned (l=); 0 by default.
   */
  BONAFIDE_OPTION_DKIM_ACCEPT_UNSIGNED_BODY = 8,
  /**
   * DKIM: seconds by which clocks may differ, 300 by default.
   */
  BONAFIDE_OPTION_DKIM_CLOCK_SKEW = 9,
} bonafide_option;

/**
 * What can be asked of a verdict: those from 1 with bonafide_verdict_text(), those from 100 with
 * bonafide_verdict_number().
 */
typedef enum {
  /**
   * Why the result is no pass, in English. What strangers wrote is quoted.
   */
  BONAFIDE_PROPERTY_CAUSE = 1,
  /**
   * The domain that the verdict is about: of MAIL FROM or HELO, d=, the last sealer, or that of
   * the author.
   */
  BONAFIDE_PROPERTY_DOMAIN = 2,
  /**
   * SPF: the term that decided, and the record that it stands in.
   */
  BONAFIDE_PROPERTY_MATCHED = 3,
  /**
   * SPF: what the domain says about a fail, one line of printable ASCII; the words of a
   * stranger.
   */
  BONAFIDE_PROPERTY_EXPLANATION = 4,
  /**
   * SPF: the enhanced status code for a reply, if the receiver refuses for this result (RFC
   * 7372).
   */
  BONAFIDE_PROPERTY_SMTP_ENHANCED = 5,
  /**
   * DKIM: s=.
   */
  BONAFIDE_PROPERTY_SELECTOR = 6,
  /**
   * DKIM: i=.
   */
  BONAFIDE_PROPERTY_IDENTITY = 7,
  /**
   * DKIM: a=.
   */
  BONAFIDE_PROPERTY_ALGORITHM = 8,
  /**
   * DKIM: the names of the fields that are signed, in lower case, with colons between them.
   */
  BONAFIDE_PROPERTY_SIGNED_FIELDS = 9,
  /**
   * DMARC: what is asked for messages that fail, "none", "quarantine" or "reject", before t=.
   */
  BONAFIDE_PROPERTY_POLICY = 10,
  /**
   * DMARC: what is asked for this message: "none", "quarantine" or "reject".
   */
  BONAFIDE_PROPERTY_DISPOSITION = 11,
  /**
   * DMARC: the organizational domain of the author.
   */
  BONAFIDE_PROPERTY_ORGANIZATIONAL_DOMAIN = 12,
  /**
   * DMARC: the domain whose record applies.
   */
  BONAFIDE_PROPERTY_RECORD_DOMAIN = 13,
  /**
   * DMARC: the record.
   */
  BONAFIDE_PROPERTY_RECORD = 14,
  /**
   * ARC: d= of the seals, the first set first, with spaces between them.
   */
  BONAFIDE_PROPERTY_SEALERS = 15,
  /**
   * 1 if DNSSEC authenticated what the verdict rests on; SPF and DMARC.
   */
  BONAFIDE_PROPERTY_AUTHENTIC = 100,
  /**
   * SPF: terms that asked the DNS.
   */
  BONAFIDE_PROPERTY_LOOKUPS = 101,
  /**
   * SPF: terms whose question had no answer.
   */
  BONAFIDE_PROPERTY_VOID_LOOKUPS = 102,
  /**
   * SPF: the code for a reply, if the receiver refuses for this result: 550 or 451.
   */
  BONAFIDE_PROPERTY_SMTP_CODE = 103,
  /**
   * SPF: seconds for which the same client and domain have the same verdict.
   */
  BONAFIDE_PROPERTY_LIFETIME = 104,
  /**
   * DKIM: the place of the field in the header, from the top, the first being 0.
   */
  BONAFIDE_PROPERTY_POSITION = 105,
  /**
   * DKIM: bits of the key.
   */
  BONAFIDE_PROPERTY_KEY_BITS = 106,
  /**
   * DKIM and DMARC: 1 if the domain says that it is testing (t=y).
   */
  BONAFIDE_PROPERTY_TESTING = 107,
  /**
   * DKIM: t=, seconds since 1970.
   */
  BONAFIDE_PROPERTY_TIMESTAMP = 108,
  /**
   * DKIM: x=, seconds since 1970.
   */
  BONAFIDE_PROPERTY_EXPIRATION = 109,
  /**
   * DKIM: octets of the canonical body behind the end of l=, which anybody may have put there.
   */
  BONAFIDE_PROPERTY_UNSIGNED_BODY_OCTETS = 110,
  /**
   * DMARC: 1 if SPF passed for an aligned domain.
   */
  BONAFIDE_PROPERTY_SPF_ALIGNED = 111,
  /**
   * DMARC: 1 if a signature passed for an aligned domain.
   */
  BONAFIDE_PROPERTY_DKIM_ALIGNED = 112,
  /**
   * ARC: the number of sets, which is the highest instance.
   */
  BONAFIDE_PROPERTY_INSTANCES = 113,
  /**
   * ARC: 1 if a failed lookup broke the chain, so that a later attempt may give another result.
   */
  BONAFIDE_PROPERTY_TEMPORARY = 114,
} bonafide_property;

/**
 * What can be set of a signer.
 */
typedef enum {
  /**
   * 1 if headers are signed relaxed, as by default; 0 if simple.
   */
  BONAFIDE_SIGNING_RELAXED_HEADER = 1,
  /**
   * 1 if bodies are signed relaxed, as by default; 0 if simple.
   */
  BONAFIDE_SIGNING_RELAXED_BODY = 2,
  /**
   * x=: seconds from now; 0, as by default, for signatures without it.
   */
  BONAFIDE_SIGNING_LIFETIME = 3,
  /**
   * Bits of the smallest RSA key; 2048 by default, and at least 1024. Set it before a key is
   * added.
   */
  BONAFIDE_SIGNING_MINIMUM_RSA_BITS = 4,
  /**
   * 1 if lines of over 998 octets may be signed; 0 by default.
   */
  BONAFIDE_SIGNING_LONG_LINES = 5,
  /**
   * 1 if octets over 127 may be signed, as by default.
   */
  BONAFIDE_SIGNING_EIGHT_BIT = 6,
} bonafide_signing_option;

/**
 * What became of TLS with a host; those from 2 are the failures of RFC 8460 section 4.3.
 */
typedef enum {
  /**
   * Nobody has tried: what is asked is what holds if the host authenticates itself.
   */
  BONAFIDE_TLS_UNTRIED = 0,
  /**
   * The host offered STARTTLS and showed a certificate that is valid for its name.
   */
  BONAFIDE_TLS_AUTHENTICATED = 1,
  /**
   * starttls-not-supported
   */
  BONAFIDE_TLS_NOT_SUPPORTED = 2,
  /**
   * certificate-host-mismatch
   */
  BONAFIDE_TLS_CERTIFICATE_HOST_MISMATCH = 3,
  /**
   * certificate-expired
   */
  BONAFIDE_TLS_CERTIFICATE_EXPIRED = 4,
  /**
   * certificate-not-trusted
   */
  BONAFIDE_TLS_CERTIFICATE_NOT_TRUSTED = 5,
  /**
   * validation-failure
   */
  BONAFIDE_TLS_VALIDATION_FAILURE = 6,
  /**
   * tlsa-invalid: a host that fails DANE is skipped, whatever the policy says.
   */
  BONAFIDE_TLS_TLSA_INVALID = 7,
  /**
   * dnssec-invalid
   */
  BONAFIDE_TLS_DNSSEC_INVALID = 8,
  /**
   * dane-required
   */
  BONAFIDE_TLS_DANE_REQUIRED = 9,
} bonafide_tls;

/**
 * The three kinds of field that make a set.
 */
typedef struct ArcField ArcField;

/**
 * The prefix lengths behind an `a` or `mx` mechanism.
 *
 * ```text
 * dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
 * ip4-cidr-length  = "/" ("0" / %x31-39 0*1DIGIT) ; value range 0-32
 * ip6-cidr-length  = "/" ("0" / %x31-39 0*2DIGIT) ; value range 0-128
 * ```
 */
typedef struct DualPrefix DualPrefix;

/**
 * Configuration: who we are, and how messages are authenticated.
 *
 * Made once, for any number of messages. Any number of threads may use it at the same time while
 * none of them changes or frees it; sessions do not need it any more once they are made.
 */
typedef struct bonafide_authenticator bonafide_authenticator;

/**
 * Something that asks questions and has an outcome once they are answered.
 *
 * Several questions may be open at once; answers come in any order. It does no I/O and reads no
 * clock: if answers do not come in time, say so with bonafide_evaluation_expire().
 */
typedef struct bonafide_evaluation bonafide_evaluation;

/**
 * What holds for deliveries to a domain, and what a sender keeps of it between deliveries.
 *
 * It never changes: any number of threads may read it at the same time while none frees it.
 */
typedef struct bonafide_mta_sts bonafide_mta_sts;

/**
 * What is known of a message in the end: a verdict for each thing that was checked.
 *
 * It never changes. All that it gives is valid until it is freed.
 */
typedef struct bonafide_report bonafide_report;

/**
 * Seals messages that are forwarded, in the name of one domain.
 *
 * Made once, for any number of messages. Any number of threads may use it at the same time while
 * none of them frees it; signings do not need it any more once they are made.
 */
typedef struct bonafide_sealer bonafide_sealer;

/**
 * One message that is authenticated, from its first octet to its report.
 */
typedef struct bonafide_session bonafide_session;

/**
 * Signs messages of one domain, with one key or with several at once.
 *
 * Made once, for any number of messages. Any number of threads may use it at the same time while
 * none of them changes or frees it; signings do not need it any more once they are made.
 */
typedef struct bonafide_signer bonafide_signer;

/**
 * One message that is being signed or sealed.
 */
typedef struct bonafide_signing bonafide_signing;

/**
 * Looks for fields that claim to be by an authserv-id, and tells how to remove them.
 */
typedef struct bonafide_strip bonafide_strip;

/**
 * What became of one thing that was checked, and why. It belongs to a report, and is not freed.
 */
typedef struct bonafide_verdict bonafide_verdict;

/**
 * A text, or any octets, that a handle keeps. Nothing of it is to be freed.
 *
 * Each function says how long it is valid.
 */
typedef struct {
  /**
   * Never NULL. Behind the last octet stands a NUL, so that a text can be printed with `%s`.
   */
  const char *data;
  /**
   * Octets, without that NUL.
   */
  size_t length;
} bonafide_text;

/**
 * One question. Its text is valid until the evaluation is freed.
 */
typedef struct {
  /**
   * Its number, by which it is answered; never 0 and never used again in this evaluation.
   */
  uint64_t id;
  /**
   * What kind of answer it wants.
   */
  bonafide_question_kind kind;
  /**
   * For the DNS: the type of the records, such as 16 for TXT (the numbers of IANA, of `ns_type`
   * in arpa/nameser.h and of c-ares and libunbound). Else 0.
   */
  uint16_t record_type;
  /**
   * For the DNS: the name, fully qualified, without a dot at its end; octets that are no
   * letters, digits, hyphens or underscores may be written \DDD as in zone files, which
   * res_query() and others understand. For a policy: the URL.
   */
  bonafide_text name;
} bonafide_question;

/**
 * The data of one record, as in a packet (RDATA) and without compression of names: what ub_result
 * of libunbound holds. For TXT that is each string behind an octet with its length.
 */
typedef struct {
  /**
   * The octets.
   */
  const void *data;
  /**
   * How many there are.
   */
  size_t length;
} bonafide_record;

/**
 * What is known of the SMTP transaction that brought a message. Set what you do not know to 0. It
 * is copied.
 */
typedef struct {
  /**
   * The address of the client as octets in network order, such as `&sin->sin_addr`; an IPv4
   * address that is mapped into IPv6 counts as IPv4.
   */
  const void *address;
  /**
   * 4 for IPv4, 16 for IPv6; 0 if the address is not known, and then there is no SPF.
   */
  size_t address_length;
  /**
   * The argument of HELO or EHLO, as it came.
   */
  const char *helo;
  /**
   * Octets of it.
   */
  size_t helo_length;
  /**
   * The reverse-path of MAIL FROM without angle brackets; empty for the null path.
   */
  const char *mail_from;
  /**
   * Octets of it.
   */
  size_t mail_from_length;
} bonafide_envelope;

/**
 * A field that claims to be by the authserv-id.
 */
typedef struct {
  /**
   * Its name as it came; valid until the bonafide_strip is freed.
   */
  bonafide_text name;
  /**
   * Which of the fields of that name it is, in any case of letters, counted from the top, the
   * first being 1: what smfi_chgheader() takes.
   */
  size_t occurrence;
  /**
   * Its place in the header, counted from the top, the first being 0.
   */
  size_t position;
} bonafide_claim;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * LIBRARY: versions, statuses, the last error. Every thread may call these at any time.
 *
 * The version of the library, such as "0.1.0"; BONAFIDE_VERSION is that of the header.
 */
const char *bonafide_version(void);

/**
 * The version of the binary interface. A program that loads the library at run time compares it
 * with BONAFIDE_ABI_VERSION; it changes when programs must be compiled again.
 */
uint32_t bonafide_abi_version(void);

/**
 * What a status means, in English; never NULL, for numbers that are no status too.
 */
const char *bonafide_status_text(int status);

/**
 * What went wrong in the last call of this thread that did not give BONAFIDE_OK, BONAFIDE_ABSENT
 * or BONAFIDE_WAITING; empty if there was none. Never NULL; valid until the next such call of this
 * thread.
 */
const char *bonafide_last_error(void);

/**
 * STEPPING: every evaluation asks questions, and the caller answers them as it can: from an event
 * loop, or one after the other from a blocking resolver.
 *
 * Call it until it gives BONAFIDE_ABSENT, at the beginning and after each answer: it writes a
 * question that was not handed out before. BONAFIDE_ABSENT: there is nothing to ask now.
 */
bonafide_status bonafide_evaluation_next(bonafide_evaluation *evaluation,
                                         bonafide_question *question);

/**
 * Whether all that must be known is known: BONAFIDE_OK, and the finish of whatever the evaluation
 * is for will have a result; else BONAFIDE_WAITING.
 */
bonafide_status bonafide_evaluation_is_done(const bonafide_evaluation *evaluation);

/**
 * Makes the packet that asks a question of the DNS, for callers with sockets of their own.
 *
 * `packet_id` should be unpredictable; the packet that answers must have the same, which
 * bonafide_evaluation_answer_packet() then checks. The packet is valid until this is called again
 * for the question, or the question is answered, or the evaluation freed. Over TCP, send its
 * length in two octets before it, high octet first.
 */
bonafide_status bonafide_evaluation_query(bonafide_evaluation *evaluation,
                                          uint64_t id,
                                          uint16_t packet_id,
                                          bonafide_text *packet);

/**
 * Answers a question with the packet that came back from the DNS, as res_query(), ares_query() or
 * a socket of the caller gives it, without the two octets of its length that TCP has.
 *
 * CNAMEs in it are followed; NXDOMAIN, SERVFAIL and so on are read from it. The question of the
 * packet is checked, and its id if bonafide_evaluation_query() made the query. `authentic` is not
 * 0 if the caller knows that DNSSEC authenticated the answer; the packet is not believed.
 *
 * BONAFIDE_OK: answered. BONAFIDE_FOREIGN, BONAFIDE_TRUNCATED and BONAFIDE_MALFORMED leave the
 * question open.
 */
bonafide_status bonafide_evaluation_answer_packet(bonafide_evaluation *evaluation,
                                                  uint64_t id,
                                                  const void *packet,
                                                  size_t length,
                                                  int authentic);

/**
 * Answers a question to the DNS with its records, after CNAMEs; none at all means that the name
 * exists without records of that type. The records are copied.
 *
 * `ttl` is the least time to live of all of them in seconds. `authentic` as for packets.
 */
bonafide_status bonafide_evaluation_answer_records(bonafide_evaluation *evaluation,
                                                   uint64_t id,
                                                   const bonafide_record *records,
                                                   size_t count,
                                                   uint32_t ttl,
                                                   int authentic);

/**
 * Answers a question to the DNS: the name does not exist (NXDOMAIN). `authentic` as for packets.
 */
bonafide_status bonafide_evaluation_answer_nxdomain(bonafide_evaluation *evaluation,
                                                    uint64_t id,
                                                    int authentic);

/**
 * Answers a question for a policy with what the host sent: the status of HTTP, the media type and
 * the body.
 *
 * The caller fetches as RFC 8461 section 3.3 says: the certificate is valid for the host of the
 * URL, redirects are not followed, no HTTP cache is asked, it ends after a minute and after 64
 * KiB. Another status than 200 counts as a failure, and so does another media type than
 * text/plain; where `media_type` is NULL the caller has looked at it.
 */
bonafide_status bonafide_evaluation_answer_policy(bonafide_evaluation *evaluation,
                                                  uint64_t id,
                                                  int http_status,
                                                  const char *media_type,
                                                  size_t media_type_length,
                                                  const void *body,
                                                  size_t length);

/**
 * Answers a question of either kind: nobody could say. `failure` is a bonafide_failure that fits
 * the kind of the question.
 */
bonafide_status bonafide_evaluation_answer_failure(bonafide_evaluation *evaluation,
                                                   uint64_t id,
                                                   int failure);

/**
 * The deadline: every open and every later question counts as timed out, and the evaluation is
 * done. No verdict is lost by it. Answers that come later meet BONAFIDE_NOT_ASKED.
 */
bonafide_status bonafide_evaluation_expire(bonafide_evaluation *evaluation);

/**
 * Frees an evaluation, done or not; NULL is none.
 */
void bonafide_evaluation_free(bonafide_evaluation *evaluation);

/**
 * AUTHENTICATOR: configuration.
 *
 * Makes an authenticator whose reports are by `authserv_id`, mostly the name of the host or of the
 * organization (RFC 8601 section 2.5). Free it with bonafide_authenticator_free().
 *
 * BONAFIDE_INVALID: an Authentication-Results field could not carry the authserv-id.
 */
bonafide_status bonafide_authenticator_new(const char *authserv_id,
                                           size_t authserv_id_length,
                                           bonafide_authenticator **authenticator);

/**
 * Sets an option, one of bonafide_option, for sessions that are made from now on.
 */
bonafide_status bonafide_authenticator_set(bonafide_authenticator *authenticator,
                                           int option,
                                           uint64_t value);

/**
 * Believes what a domain has sealed (ARC), for sessions that are made from now on: see
 * bonafide_report_policy_override(). Nobody is believed by default.
 *
 * BONAFIDE_INVALID: it is no domain.
 */
bonafide_status bonafide_authenticator_trust_sealer(bonafide_authenticator *authenticator,
                                                    const char *domain,
                                                    size_t domain_length);

/**
 * Frees an authenticator; NULL is none. Sessions that it made live on.
 */
void bonafide_authenticator_free(bonafide_authenticator *authenticator);

/**
 * SESSION: one message, as it arrives. Header first; then what the DNS must answer is known, and
 * can be asked while the body arrives; then the report, which waits for nothing. Memory does not
 * grow with the body.
 *
 * Begins with a message that is authenticated by everything: SPF, DKIM and DMARC. `envelope` may
 * be NULL if nothing is known of the transaction. `now` is the time in seconds since 1970,
 * time(NULL). Free the session with bonafide_session_free(), finished or not.
 *
 * BONAFIDE_INVALID: the address has neither 4 nor 16 octets.
 */
bonafide_status bonafide_session_new(const bonafide_authenticator *authenticator,
                                     const bonafide_envelope *envelope,
                                     uint64_t now,
                                     bonafide_session **session);

/**
 * Begins with a message of which only the DKIM signatures are verified: the report has nothing but
 * them.
 */
bonafide_status bonafide_session_new_dkim(const bonafide_authenticator *authenticator,
                                          uint64_t now,
                                          bonafide_session **session);

/**
 * The next octets of the message in any split, header and body, with CRLF line ends and without
 * the dots of SMTP; the end of the header is found. For callers of bonafide_session_field(): the
 * next octets of the body, behind bonafide_session_end_header().
 */
bonafide_status bonafide_session_write(bonafide_session *session, const void *data, size_t length);

/**
 * The next field of the header, as a milter gets it: `value` is everything behind the colon, the
 * space in front of it too if there is one, folds with LF or CRLF, without the line end behind it.
 * Signatures may depend on that space: a milter asks its server to leave it (SMFIP_HDR_LEADSPC).
 *
 * BONAFIDE_ORDER: the header is complete already.
 */
bonafide_status bonafide_session_field(bonafide_session *session,
                                       const char *name,
                                       size_t name_length,
                                       const char *value,
                                       size_t value_length);

/**
 * The end of the header, for callers of bonafide_session_field(), and for messages that end before
 * their header does. Where the header is complete already, nothing happens.
 */
bonafide_status bonafide_session_end_header(bonafide_session *session);

/**
 * Whether the header is complete, so that bonafide_session_lookups() may be called: BONAFIDE_OK,
 * or BONAFIDE_WAITING.
 */
bonafide_status bonafide_session_header_complete(const bonafide_session *session);

/**
 * Makes the evaluation that asks for all that the DNS must answer, everything at once and each
 * question once. It can be stepped while the body arrives, and by another thread. Free it with
 * bonafide_evaluation_free().
 *
 * BONAFIDE_ORDER: the header is not complete.
 */
bonafide_status bonafide_session_lookups(const bonafide_session *session,
                                         bonafide_evaluation **evaluation);

/**
 * The report, when the message is written and its evaluation is done. Free it with
 * bonafide_report_free(). The session and the evaluation are finished by it, and are only to be
 * freed.
 *
 * BONAFIDE_WAITING: answers are missing; nothing has changed. BONAFIDE_ORDER: the evaluation is
 * not of this session, or was finished already.
 */
bonafide_status bonafide_session_finish(bonafide_session *session,
                                        bonafide_evaluation *evaluation,
                                        bonafide_report **report);

/**
 * Frees a session, finished or not; NULL is none.
 */
void bonafide_session_free(bonafide_session *session);

/**
 * REPORT: what is known of a message in the end, and what follows from it.
 *
 * The verdict of SPF about MAIL FROM, or about HELO for the null path. BONAFIDE_ABSENT: it was not
 * checked.
 */
bonafide_status bonafide_report_spf(const bonafide_report *report,
                                    const bonafide_verdict **verdict);

/**
 * The verdict of SPF about HELO. BONAFIDE_ABSENT: it was not checked.
 */
bonafide_status bonafide_report_spf_helo(const bonafide_report *report,
                                         const bonafide_verdict **verdict);

/**
 * The verdict about a DKIM signature, the first of the header being 0. BONAFIDE_ABSENT: there is
 * no further one.
 */
bonafide_status bonafide_report_dkim(const bonafide_report *report,
                                     size_t index,
                                     const bonafide_verdict **verdict);

/**
 * The verdict about the chain of those who handled the message before (ARC). A pass says who
 * vouches for what, and nothing by itself. BONAFIDE_ABSENT: it was not evaluated.
 */
bonafide_status bonafide_report_arc(const bonafide_report *report,
                                    const bonafide_verdict **verdict);

/**
 * What trusted sealers say in favour of a message that DMARC fails, as a comment for aggregate
 * reports with the reason "local_policy" (RFC 8617 section 7.2): who takes that as its policy accepts
 * the message, whatever bonafide_report_smtp_code() says. BONAFIDE_ABSENT: there is no such offer,
 * as there never is without bonafide_authenticator_trust_sealer().
 */
bonafide_status bonafide_report_policy_override(const bonafide_report *report,
                                                bonafide_text *comment);

/**
 * The verdict of DMARC. BONAFIDE_ABSENT: it was not evaluated.
 */
bonafide_status bonafide_report_dmarc(const bonafide_report *report,
                                      const bonafide_verdict **verdict);

/**
 * The reply to the end of DATA that the policy of the author's domain leads to: its code, 550 to
 * refuse or 451 to defer. BONAFIDE_ABSENT: nothing stands against accepting the message. Whether
 * to send it is the caller's choice.
 */
bonafide_status bonafide_report_smtp_code(const bonafide_report *report, int *code);

/**
 * That reply as it is sent, without the line end: "550 5.7.1 Message rejected per DMARC policy for
 * example.com". It is printable ASCII. BONAFIDE_ABSENT: as above.
 */
bonafide_status bonafide_report_smtp_reply(const bonafide_report *report, bonafide_text *reply);

/**
 * The Authentication-Results field (RFC 8601): put it above all other fields, after those that
 * claim to be by the same authserv-id were removed (bonafide_strip_new()).
 *
 * `line_end` is one of bonafide_line_end. The name is "Authentication-Results"; the value is
 * everything behind the colon, the space in front of it too, without the line end behind it.
 * BONAFIDE_ABSENT: the report is of SPF or of DKIM alone.
 */
bonafide_status bonafide_report_authentication_results(const bonafide_report *report,
                                                       int line_end,
                                                       bonafide_text *value);

/**
 * The Received-SPF field (RFC 7208 section 9.1), for those who still want it; its name is
 * "Received-SPF". The value as for bonafide_report_authentication_results(). BONAFIDE_ABSENT: SPF
 * was not checked.
 */
bonafide_status bonafide_report_received_spf(const bonafide_report *report,
                                             int line_end,
                                             bonafide_text *value);

/**
 * How often a defect, one of bonafide_defect, stands in the message. A strict server refuses
 * messages with bare CR or LF. BONAFIDE_ABSENT: nobody has looked, for the report is of SPF or of
 * DKIM alone.
 */
bonafide_status bonafide_report_defect(const bonafide_report *report, int defect, uint64_t *count);

/**
 * Frees a report and all that it gave; NULL is none.
 */
void bonafide_report_free(bonafide_report *report);

/**
 * VERDICT: what became of one thing that was checked.
 *
 * Writes the result.
 */
bonafide_status bonafide_verdict_result(const bonafide_verdict *verdict, bonafide_result *result);

/**
 * The word for a result, such as "pass"; never NULL, for numbers that are no result too.
 */
const char *bonafide_result_text(int result);

/**
 * The whole verdict in one line, for logs.
 */
bonafide_status bonafide_verdict_line(const bonafide_verdict *verdict, bonafide_text *line);

/**
 * A property that is a text. BONAFIDE_ABSENT: this verdict has none. BONAFIDE_INVALID: no property
 * is known by that number.
 */
bonafide_status bonafide_verdict_text(const bonafide_verdict *verdict,
                                      int property,
                                      bonafide_text *value);

/**
 * A property that is a number. BONAFIDE_ABSENT: this verdict has none. BONAFIDE_INVALID: no
 * property is known by that number.
 */
bonafide_status bonafide_verdict_number(const bonafide_verdict *verdict,
                                        int property,
                                        uint64_t *value);

/**
 * SPF: the envelope alone, as soon as MAIL FROM is known.
 *
 * Makes the evaluation of HELO and MAIL FROM (RFC 7208). Step it, take the report with
 * bonafide_spf_finish(), and free it with bonafide_evaluation_free(). `now` is the time in seconds
 * since 1970.
 *
 * BONAFIDE_INVALID: the envelope has no address of 4 or 16 octets.
 */
bonafide_status bonafide_spf_check(const bonafide_authenticator *authenticator,
                                   const bonafide_envelope *envelope,
                                   uint64_t now,
                                   bonafide_evaluation **evaluation);

/**
 * The report of an evaluation that bonafide_spf_check() made, with the two verdicts of SPF and
 * Received-SPF. Free it with bonafide_report_free(). The evaluation is finished by it.
 *
 * BONAFIDE_WAITING: answers are missing; nothing has changed. BONAFIDE_ORDER: the evaluation is of
 * another kind, or was finished already.
 */
bonafide_status bonafide_spf_finish(bonafide_evaluation *evaluation, bonafide_report **report);

/**
 * STRIP: a border server removes Authentication-Results fields that claim to be its own before it
 * adds one (RFC 8601 section 5).
 *
 * Makes a search for the fields that claim to be by `authserv_id`, however they are dressed. Give
 * it the fields with bonafide_strip_field() or bonafide_strip_header(), then take the claims. Free
 * it with bonafide_strip_free().
 *
 * BONAFIDE_INVALID: the authserv-id is empty or not UTF-8.
 */
bonafide_status bonafide_strip_new(const char *authserv_id,
                                   size_t authserv_id_length,
                                   bonafide_strip **strip);

/**
 * The next field of the header, as for bonafide_session_field(): all of them, from the top.
 */
bonafide_status bonafide_strip_field(bonafide_strip *strip,
                                     const char *name,
                                     size_t name_length,
                                     const char *value,
                                     size_t value_length);

/**
 * A whole header, or a whole message, with CRLF line ends.
 */
bonafide_status bonafide_strip_header(bonafide_strip *strip, const void *data, size_t length);

/**
 * A field to remove, for index 0, 1 and so on, the lowest field of the header first: removed in
 * this order, no removal moves a field that is still to be removed. BONAFIDE_ABSENT: there is no
 * further one.
 */
bonafide_status bonafide_strip_claim(const bonafide_strip *strip,
                                     size_t index,
                                     bonafide_claim *claim);

/**
 * Frees a search and all that it gave; NULL is none.
 */
void bonafide_strip_free(bonafide_strip *strip);

/**
 * SIGN: DKIM signatures of our own (RFC 6376).
 *
 * Makes a signer for `domain`, which is d=. It has no key yet. Free it with
 * bonafide_signer_free().
 *
 * BONAFIDE_INVALID: it is no domain.
 */
bonafide_status bonafide_signer_new(const char *domain,
                                    size_t domain_length,
                                    bonafide_signer **signer);

/**
 * Adds a private key whose public part is published at `selector`, which is s=: PEM or DER of
 * PKCS#8 or PKCS#1, RSA or Ed25519. Each key gives a signature of its own. The octets are copied;
 * the copy is overwritten in the end.
 *
 * BONAFIDE_INVALID: it is no selector, or one that has a key already; or no such key, or too short
 * a one.
 */
bonafide_status bonafide_signer_add_key(bonafide_signer *signer,
                                        const char *selector,
                                        size_t selector_length,
                                        const void *key,
                                        size_t key_length);

/**
 * Sets an option, one of bonafide_signing_option, for signings that are made from now on.
 */
bonafide_status bonafide_signer_set(bonafide_signer *signer, int option, uint64_t value);

/**
 * Which header fields are signed: exactly these names, with colons between them, are h=, in this
 * order. Each takes the next field of that name from the bottom up; one for which none is left
 * signs that there is none. By default all fields are signed that matter to a reader, and of the
 * most important ones that there is no further one.
 *
 * BONAFIDE_INVALID: there is something else than a name, or From is not among them.
 */
bonafide_status bonafide_signer_set_fields(bonafide_signer *signer,
                                           const char *names,
                                           size_t names_length);

/**
 * Frees a signer; NULL is none. Signings that it made live on.
 */
void bonafide_signer_free(bonafide_signer *signer);

/**
 * Begins to sign a message. `now` is the time in seconds since 1970. Free the signing with
 * bonafide_signing_free().
 *
 * BONAFIDE_ORDER: the signer has no key.
 */
bonafide_status bonafide_signing_new(const bonafide_signer *signer,
                                     uint64_t now,
                                     bonafide_signing **signing);

/**
 * The next octets of the message, as for bonafide_session_write(). What is signed is what is sent:
 * CRLF line ends, without the dots of SMTP.
 *
 * BONAFIDE_REFUSED: the header must not be signed. The signing is only to be freed then.
 */
bonafide_status bonafide_signing_write(bonafide_signing *signing, const void *data, size_t length);

/**
 * The next field of the header, as for bonafide_session_field().
 *
 * BONAFIDE_ORDER: the header is complete already.
 */
bonafide_status bonafide_signing_field(bonafide_signing *signing,
                                       const char *name,
                                       size_t name_length,
                                       const char *value,
                                       size_t value_length);

/**
 * The end of the header, for callers of bonafide_signing_field(). Where the header is complete
 * already, nothing happens.
 *
 * BONAFIDE_REFUSED: the header must not be signed. The signing is only to be freed then.
 */
bonafide_status bonafide_signing_end_header(bonafide_signing *signing);

/**
 * Signs, when the whole message is written. Take the fields with bonafide_signing_result().
 *
 * BONAFIDE_REFUSED: the body must not be signed. BONAFIDE_ORDER: the header is not complete, or it
 * was finished already.
 */
bonafide_status bonafide_signing_finish(bonafide_signing *signing);

/**
 * A field to put in front of the message, for index 0, 1 and so on: put the last one there first,
 * so that the first stands on top.
 *
 * `line_end` is one of bonafide_line_end. The value is everything behind the colon, the space in
 * front of it too, without the line end behind it; both are valid until the signing is freed.
 * BONAFIDE_ABSENT: there is no further one, or the signing is not finished.
 */
bonafide_status bonafide_signing_result(const bonafide_signing *signing,
                                        size_t index,
                                        int line_end,
                                        bonafide_text *name,
                                        bonafide_text *value);

/**
 * Frees a signing, finished or not, and all that it gave; NULL is none.
 */
void bonafide_signing_free(bonafide_signing *signing);

/**
 * SEAL: ARC sets of our own (RFC 8617), for those who forward.
 *
 * Makes a sealer for `domain`, which is d=, with the private key whose public part is published at
 * `selector`, which is s=, as for DKIM: PEM or DER of PKCS#8 or PKCS#1, RSA of 2048 bits or more, or
 * Ed25519, which few validators take. Free it with bonafide_sealer_free().
 *
 * BONAFIDE_INVALID: it is no domain, no selector or no such key.
 */
bonafide_status bonafide_sealer_new(const char *domain,
                                    size_t domain_length,
                                    const char *selector,
                                    size_t selector_length,
                                    const void *key,
                                    size_t key_length,
                                    bonafide_sealer **sealer);

/**
 * Frees a sealer; NULL is none. Signings that it made live on.
 */
void bonafide_sealer_free(bonafide_sealer *sealer);

/**
 * Begins to seal a message as it leaves, whatever was changed of it since it came; `report` is what
 * was found when it came. What follows is as for bonafide_signing_new(): write the message as it is
 * sent, with the ARC fields that it came with, finish, and take the three fields of the set with
 * bonafide_signing_result(). DKIM signatures of one's own come before.
 *
 * A chain that is broken is sealed once more, to say so. The header is refused, with
 * BONAFIDE_REFUSED, where no set may be added: the chain says already that it was broken, it has 50
 * sets, or the message has another chain than the report is about.
 *
 * BONAFIDE_ORDER: the report is of SPF or of DKIM alone.
 */
bonafide_status bonafide_sealer_start(const bonafide_sealer *sealer,
                                      const bonafide_report *report,
                                      uint64_t now,
                                      bonafide_signing **signing);

/**
 * MTA-STS: may a message for a domain go to a host, and how must TLS look (RFC 8461)?
 *
 * Makes the evaluation that finds out what holds for deliveries to `domain`: it asks the DNS for
 * one TXT record, and for a policy over HTTPS where none is kept or the kept one is due. `kept` is
 * what bonafide_mta_sts_finish() gave for the domain the last time, or NULL; it is copied. `now`
 * is the time in seconds since 1970. Free it with bonafide_evaluation_free().
 *
 * BONAFIDE_INVALID: it is no domain.
 */
bonafide_status bonafide_mta_sts_discover(const char *domain,
                                          size_t domain_length,
                                          const bonafide_mta_sts *kept,
                                          uint64_t now,
                                          bonafide_evaluation **evaluation);

/**
 * What an evaluation that bonafide_mta_sts_discover() made has found out. Keep it for the next
 * delivery to the domain, and free it with bonafide_mta_sts_free(). The evaluation is finished by
 * it.
 *
 * BONAFIDE_WAITING: answers are missing; nothing has changed. BONAFIDE_ORDER: the evaluation is of
 * another kind, or was finished already.
 */
bonafide_status bonafide_mta_sts_finish(bonafide_evaluation *evaluation,
                                        bonafide_mta_sts **mta_sts);

/**
 * A policy from a store of the caller: what bonafide_mta_sts_id(), bonafide_mta_sts_policy() and
 * bonafide_mta_sts_fetched() gave. Free it with bonafide_mta_sts_free().
 *
 * BONAFIDE_INVALID: the id or the policy is none; forget it.
 */
bonafide_status bonafide_mta_sts_restore(const char *id,
                                         size_t id_length,
                                         const void *policy,
                                         size_t policy_length,
                                         uint64_t fetched,
                                         uint64_t now,
                                         bonafide_mta_sts **mta_sts);

/**
 * What the policy asks for.
 */
bonafide_status bonafide_mta_sts_mode(const bonafide_mta_sts *mta_sts, bonafide_mode *mode);

/**
 * What holds for a host of the domain: `mx` is its name as the MX record gives it, `tls` one of
 * bonafide_tls. Writes what to do, and what to report of it in the words of RFC 8460; an empty
 * text where nothing failed. The text is valid for ever.
 *
 * Hosts keep their order: one that is skipped counts as one that cannot be reached.
 * BONAFIDE_INVALID: it is no host.
 */
bonafide_status bonafide_mta_sts_host(const bonafide_mta_sts *mta_sts,
                                      const char *mx,
                                      size_t mx_length,
                                      int tls,
                                      bonafide_action *action,
                                      bonafide_text *failure);

/**
 * What to report of the discovery itself, in the words of RFC 8460, valid for ever.
 * BONAFIDE_ABSENT: nothing.
 */
bonafide_status bonafide_mta_sts_report(const bonafide_mta_sts *mta_sts, bonafide_text *failure);

/**
 * Why there is no policy, or none but a kept one, in English; valid until the handle is freed.
 * BONAFIDE_ABSENT: there is nothing to say.
 */
bonafide_status bonafide_mta_sts_cause(const bonafide_mta_sts *mta_sts, bonafide_text *cause);

/**
 * The id of the policy, for bonafide_mta_sts_restore(); valid until the handle is freed.
 * BONAFIDE_ABSENT: no policy holds.
 */
bonafide_status bonafide_mta_sts_id(const bonafide_mta_sts *mta_sts, bonafide_text *id);

/**
 * The text of the policy, for bonafide_mta_sts_restore(); valid until the handle is freed.
 * BONAFIDE_ABSENT: no policy holds.
 */
bonafide_status bonafide_mta_sts_policy(const bonafide_mta_sts *mta_sts, bonafide_text *policy);

/**
 * When the policy was fetched, in seconds since 1970, for bonafide_mta_sts_restore().
 * BONAFIDE_ABSENT: no policy holds.
 */
bonafide_status bonafide_mta_sts_fetched(const bonafide_mta_sts *mta_sts, uint64_t *fetched);

/**
 * Frees what was found out about a domain, and all that it gave; NULL is none.
 */
void bonafide_mta_sts_free(bonafide_mta_sts *mta_sts);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* BONAFIDE_H */
