#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two halves of the ledger share. */
#include <sqlite3.h>
#include <sriovd/ledger.h>

enum ledger_statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_PUT_PF,
	ST_DEL_PF,
	ST_PUT_HOST_PF,
	ST_DEL_HOST_PF,
	ST_PUT_BASELINE,
	ST_DEL_BASELINES,
	ST_PUT_NET,
	ST_DEL_NET,
	ST_PUT_VM,
	ST_DEL_VM,
	ST_PUT_ATTACHMENT,
	ST_SET_PHASE,
	ST_DEL_ATTACHMENT,
	ST_PUT_PLUG,
	ST_DEL_PLUGS,
	ST_PUT_OP,
	ST_DEL_OP,
	ST_PUT_QUARANTINE,
	ST_DEL_QUARANTINE,
	ST_DEL_QUARANTINES,
	ST_PUT_CHILD,
	ST_DEL_CHILD,
	ST_NEXT_GENERATION,
	ST_EACH_PF,
	ST_EACH_HOST_PF,
	ST_EACH_BASELINE,
	ST_EACH_NET,
	ST_EACH_VM,
	ST_EACH_ATTACHMENT,
	ST_EACH_PLUG,
	ST_EACH_OP,
	ST_EACH_QUARANTINE,
	ST_EACH_CHILD,
	LEDGER_STATEMENTS,
};

struct ledger {
	sqlite3 *db;
	sqlite3_stmt *st[LEDGER_STATEMENTS];
};

int ledger_errno(int sqlite_code);
int ledger_statement(struct ledger *l, enum ledger_statement id,
		     sqlite3_stmt **ret_st) _must_check_;
