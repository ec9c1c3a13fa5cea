<?php
const RELEASE = "";
