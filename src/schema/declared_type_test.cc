// SPDX-License-Identifier: Apache-2.0
#include "schema/declared_type.h"

#include <string>

#include <gtest/gtest.h>

#include "memory_database.h"
#include "schema/schema.h"

namespace sluice {
namespace {

// What SQLite itself does to three values tells the affinity of a column.
Affinity AffinityInSqlite(const std::string& type) {
  MemoryDatabase memory;
  EXPECT_TRUE(memory.Runs("CREATE TABLE t(c " + type + ")")) << type;
  EXPECT_TRUE(memory.Runs("INSERT INTO t VALUES (5), ('5'), ('5.5e1')")) << type;
  const std::string types = memory.Query("SELECT group_concat(typeof(c)) FROM t");
  if (types == "integer,text,text") return Affinity::kBlob;
  if (types == "text,text,text") return Affinity::kText;
  if (types == "real,real,real") return Affinity::kReal;
  EXPECT_EQ(types, "integer,integer,integer");
  // INTEGER and NUMERIC differ only in CAST.
  return memory.Query("SELECT typeof(CAST('1.5' AS " + type.substr(0, type.find(" NOT")) + "))") ==
                 "integer"
             ? Affinity::kInteger
             : Affinity::kNumeric;
}

TEST(DeclaredType, AffinityIsWhatSqliteMakesOfTheType) {
  for (const char* type : {"TEXT",
                           "text",
                           "VARCHAR(20)",
                           "NATIVE CHARACTER(70)",
                           "CLOB",
                           "INTEGER",
                           "INT",
                           "BIGINT",
                           "UNSIGNED BIG INT",
                           "REAL",
                           "DOUBLE PRECISION",
                           "FLOAT",
                           "NUMERIC",
                           "DECIMAL(10,5)",
                           "BOOLEAN",
                           "DATE",
                           "DATETIME",
                           "BLOB",
                           "JSON",
                           "INT8 BLOB",
                           "TEXT BLOB",
                           "REAL BLOB",
                           "REAL TEXT",
                           "CHAR INT"}) {
    EXPECT_EQ(AffinityOf(type), AffinityInSqlite(type)) << type;
  }
  EXPECT_EQ(AffinityOf(""), AffinityInSqlite(""));
}

TEST(DeclaredType, WordsAfterTheTypeDoNotCount) {
  EXPECT_EQ(AffinityOf("TEXT NOT NULL"), Affinity::kText);
  EXPECT_EQ(AffinityOf("NOT NULL"), Affinity::kBlob);
  EXPECT_EQ(AffinityOf("DEFAULT 'INT'"), Affinity::kBlob);
  EXPECT_EQ(AffinityOf("REAL DEFAULT 'CHAR'"), Affinity::kReal);
  EXPECT_EQ(AffinityOf("NUMERIC COLLATE NOCASE"), Affinity::kNumeric);
}

TEST(DeclaredType, TakesTypesWithTheirConstraints) {
  for (const char* type :
       {"", "TEXT", "TEXT NOT NULL", "INTEGER NOT NULL DEFAULT 0", "REAL DEFAULT -1.5e3",
        "REAL DEFAULT - .5", "TEXT DEFAULT 'it''s'", "TEXT COLLATE NOCASE", "TEXT DEFAULT NULL",
        "BOOLEAN DEFAULT true", "not null", "VARCHAR ( 20 )", "NULL"}) {
    EXPECT_TRUE(CheckDeclaredType(type).ok()) << type << ": " << CheckDeclaredType(type).message();
    MemoryDatabase memory;
    EXPECT_TRUE(memory.Runs(std::string("CREATE TABLE t(c ") + type + ", d)")) << type;
  }
}

TEST(DeclaredType, RefusesWhatIsNoType) {
  for (const char* type : {"INTGER",
                           "TEXT, other TEXT",
                           "TEXT); DROP TABLE t; --",
                           "TEXT PRIMARY KEY",
                           "TEXT UNIQUE",
                           "TEXT CHECK (1)",
                           "TEXT REFERENCES t",
                           "INT GENERATED ALWAYS AS (1)",
                           "INT AS (1)",
                           "TEXT --",
                           "TEXT /* */",
                           "TEXT DEFAULT (1)",
                           "TEXT DEFAULT",
                           "TEXT DEFAULT x",
                           "TEXT DEFAULT \"x\"",
                           "TEXT DEFAULT 'x",
                           "TEXT DEFAULT 0x10",
                           "TEXT NOT",
                           "VARCHAR(x)",
                           "VARCHAR(1",
                           "VARCHAR(1,2,3)",
                           "TEXT COLLATE other",
                           "\"TEXT\"",
                           "[TEXT]",
                           "TEXT CONSTRAINT c NOT NULL",
                           "TEXT DEFAULT 5NOT NULL"}) {
    const Status status = CheckDeclaredType(type);
    EXPECT_EQ(status.code(), StatusCode::kUsage) << type;
    EXPECT_FALSE(status.remedy().empty()) << type;
  }
  EXPECT_FALSE(CheckDeclaredType(std::string_view("TEXT\0NOT NULL", 13)).ok());
  EXPECT_EQ(CheckDeclaredType("INTGER").remedy(), "did you mean 'INTEGER'?");
}

}  // namespace
}  // namespace sluice
