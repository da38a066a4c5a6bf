#!/usr/bin/python3
"""Connects to the database of settings.json."""

import json

import psycopg2

database = json.load(open("settings.json"))["DATABASE"]
psycopg2.connect(dbname="site", **{key.lower(): value for key, value in database.items()})
